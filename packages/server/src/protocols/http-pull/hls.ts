import { sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { MultivariantPlaylist, PlaylistVariant } from '@watchpost/media/playlist/m3u8.ts';
import { parsePlaylist } from '@watchpost/media/playlist/parse-m3u8.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { TimedUnit } from '../../hub/timed-units.ts';
import type { ProtocolContext } from '../../hub/types.ts';
import type { UnitInput } from '../../hub/unit-input.ts';
import type { HttpSource } from './http-source.ts';
import { Pace } from './pace.ts';
import { PacedInput } from './paced-input.ts';
import { type LoadedList, liveStart, loadList, PlaylistReader } from './playlist-reader.ts';
import { resolveUri, unusable } from './segment-files.ts';

const leastPatienceMs = 2000;
const mostPatienceMs = 10_000;
const usualTargetMs = 2000;

/** Pulls HLS (RFC 8216): the best variant and its sound, live or from a file, at the pace of their time stamps. */
export class HlsPull {
  readonly #source: HttpSource;
  readonly #context: Pick<ProtocolContext, 'clock' | 'signal' | 'logger'>;
  readonly #input: UnitInput;

  constructor(source: HttpSource, input: UnitInput, context: Pick<ProtocolContext, 'clock' | 'signal' | 'logger'>) {
    this.#source = source;
    this.#input = input;
    this.#context = context;
  }

  /** Resolves at the end of a list that ends; rejects with the reason. `first` is what the address gave. */
  async run(first: { readonly url: string; readonly text: string }): Promise<void> {
    const parsed = parsePlaylist(first.text);
    if (parsed.kind === 'media') {
      await this.#alone({ url: first.url, list: parsed.playlist });
      return;
    }
    const variant = bestVariant(parsed.playlist.variants);
    if (variant === undefined) throw unusable('it names no list of pictures');
    const sound = soundOf(parsed.playlist, variant);
    const video = await loadList(this.#source, resolveUri(variant.uri, first.url));
    const audio = sound === undefined ? undefined : await this.#loadSound(resolveUri(sound, first.url));
    if (audio === undefined) await this.#alone(video);
    else await this.#joint(video, audio);
  }

  #alone(loaded: LoadedList): Promise<void> {
    const { clock, signal } = this.#context;
    const paced = new PacedInput({ input: this.#input, pace: new Pace(clock), signal });
    const reader = this.#reader({ paced, signal, pick: (units) => units, mayFail: false });
    return reader.run(loaded, liveStart(loaded.list), async () => {});
  }

  /** A stream without its sound is better than none. */
  async #loadSound(address: string): Promise<LoadedList | undefined> {
    try {
      return await loadList(this.#source, address);
    } catch (thrown) {
      if (this.#context.signal.aborted) throw thrown;
      this.#tellWithout(thrown);
      return undefined;
    }
  }

  /** Two lists, each read on its own: what one lacks never keeps the other from going on. */
  async #joint(video: LoadedList, audio: LoadedList): Promise<void> {
    const { clock, signal } = this.#context;
    const input = this.#input;
    const targetMs = Math.max(targetOf(video), targetOf(audio));
    const patienceMs = Math.min(Math.max(targetMs, leastPatienceMs), mostPatienceMs);
    const pace = new Pace(clock, patienceMs);
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const leading = new PacedInput({ input, pace, signal: both });
    const following = new PacedInput({ input, pace, signal: both, isLeading: false });
    const sound = Promise.withResolvers<void>();
    const playSound = this.#reader({ paced: following, signal: both, pick: soundIn(), mayFail: true })
      .run(audio, soundStart(video, audio), () => {
        sound.resolve();
        return pace.begun;
      })
      .catch((thrown) => {
        if (!both.aborted) this.#tellWithout(thrown);
      })
      .finally(sound.resolve);
    const ready = () => Promise.race([sound.promise, sleep(clock, patienceMs, both)]);
    try {
      const reader = this.#reader({ paced: leading, signal: both, pick: pictureIn, mayFail: false });
      await reader.run(video, liveStart(video.list), ready);
      await Promise.race([playSound, sleep(clock, patienceMs, both)]);
    } finally {
      stop.abort(new Error('the other playlist ended'));
    }
  }

  #reader(options: {
    readonly paced: PacedInput;
    readonly signal: AbortSignal;
    readonly pick: (units: readonly TimedUnit[]) => readonly TimedUnit[];
    readonly mayFail: boolean;
  }): PlaylistReader {
    const { signal, ...rest } = options;
    const count = (name: string, n: number) => this.#input.count(name, n);
    return new PlaylistReader({ ...rest, source: this.#source, context: { ...this.#context, signal }, count });
  }

  #tellWithout(thrown: unknown): void {
    const { code, message } = toWatchpostError(thrown);
    this.#context.logger.warn('the sound is in a playlist of its own, which cannot be played', {
      code,
      reason: message,
    });
  }
}

/** The one with most bits that has a picture. */
function bestVariant(variants: readonly PlaylistVariant[]): PlaylistVariant | undefined {
  const rank = ({ codecs, bandwidth }: PlaylistVariant) => {
    const hasPicture = codecs === undefined || /avc|hvc|hev|av01|vp0?9/.test(codecs);
    return (hasPicture ? 1e15 : 0) + bandwidth;
  };
  return variants.toSorted((a, b) => rank(b) - rank(a))[0];
}

/** The address of the sound that goes with a variant: the default of its group, or the first (§4.3.4.1.1). */
function soundOf({ renditions = [] }: MultivariantPlaylist, { audioGroup }: PlaylistVariant): string | undefined {
  const group = renditions.filter((rendition) => rendition.group === audioGroup);
  return (group.find(({ isDefault }) => isDefault) ?? group[0])?.uri;
}

/** The segment of the sound that plays where the picture begins, and one before it: lists are never of one moment. */
function soundStart(video: LoadedList, audio: LoadedList): number {
  const { mediaSequence, segments, ended, type } = audio.list;
  if (ended || type === 'vod') return mediaSequence;
  const start = liveStart(video.list) - video.list.mediaSequence;
  let leftMs = video.list.segments.slice(start).reduce((sum, { durationMs }) => sum + durationMs, 0);
  let index = segments.length;
  while (index > 0 && leftMs > 0) leftMs -= segments[--index]!.durationMs;
  return mediaSequence + Math.max(0, index - 1);
}

function targetOf({ list }: LoadedList): number {
  return list.targetDurationMs ?? usualTargetMs;
}

function pictureIn(units: readonly TimedUnit[]): readonly TimedUnit[] {
  return units.filter(({ track }) => track.kind === 'video');
}

/** Files of their own number their tracks alike: sound gets a number that no picture has. */
function soundIn(): (units: readonly TimedUnit[]) => readonly TimedUnit[] {
  const numbered = new WeakMap<Track, Track>();
  return (units) =>
    units.flatMap(({ track, unit }) => {
      if (track.kind !== 'audio') return [];
      let known = numbered.get(track);
      if (known === undefined) {
        known = { ...track, id: soundId };
        numbered.set(track, known);
      }
      return [{ track: known, unit }];
    });
}

/** Above the PIDs of MPEG-TS. */
const soundId = 0x4000;
