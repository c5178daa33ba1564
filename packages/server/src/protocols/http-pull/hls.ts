import { createDecipheriv } from 'node:crypto';
import { sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { MediaPlaylist, PlaylistSegment, PlaylistVariant } from '@watchpost/media/playlist/m3u8.ts';
import { parsePlaylist } from '@watchpost/media/playlist/parse-m3u8.ts';
import type { ProtocolContext } from '../../hub/types.ts';
import type { UnitInput } from '../../hub/unit-input.ts';
import { SegmentDemuxer } from './demux-segment.ts';
import type { HttpSource } from './http-source.ts';
import { PacedInput } from './paced-input.ts';
import type { TimedUnit } from './timed-units.ts';

const maxPlaylistBytes = 4 * 1024 * 1024;
const maxSegmentBytes = 64 * 1024 * 1024;
const maxInitBytes = 1024 * 1024;
const keyBytes = 16;
/** A live list is begun so many segments before its end (RFC 8216 §6.3.3). */
const liveDistance = 3;
const leastReloadMs = 500;
const mostReloadMs = 10_000;
const maxFailures = 3;

/** A playlist that was read, and from where. */
interface Loaded {
  readonly url: string;
  readonly text: string;
}

/** Pulls HLS (RFC 8216): the best variant, live or from a file, at the pace of its time stamps. */
export class HlsPull {
  readonly #source: HttpSource;
  readonly #context: Pick<ProtocolContext, 'clock' | 'signal' | 'logger'>;
  readonly #input: UnitInput;
  readonly #paced: PacedInput;
  readonly #demuxer = new SegmentDemuxer();
  #init: { readonly key: string; readonly bytes: Uint8Array } | undefined;
  #key: { readonly url: string; readonly bytes: Uint8Array } | undefined;
  #failures = 0;
  /** What was loaded last is being handed on. */
  #playing: Promise<void> = Promise.resolve();

  constructor(source: HttpSource, input: UnitInput, context: Pick<ProtocolContext, 'clock' | 'signal' | 'logger'>) {
    this.#source = source;
    this.#input = input;
    this.#context = context;
    this.#paced = new PacedInput(input, context.clock, context.signal);
  }

  /** Resolves at the end of a list that ends; rejects with the reason. `first` is what the address gave. */
  async run(first: Loaded): Promise<void> {
    let { url, list } = await this.#mediaPlaylist(first);
    let next = firstSequence(list);
    for (;;) {
      const { mediaSequence, segments } = list;
      if (next < mediaSequence) {
        // The network was away for longer than the list is.
        this.#input.count('segments_missed', mediaSequence - next);
        next = Math.max(mediaSequence, firstSequence(list));
        this.#paced.discontinuity();
      }
      const before = next;
      for (; next < mediaSequence + segments.length; next++) {
        await this.#play(segments[next - mediaSequence]!, { url, sequence: next });
      }
      if (list.ended) break;
      const targetMs = list.targetDurationMs ?? 2000;
      const waitMs = Math.min(Math.max(next > before ? targetMs / 2 : targetMs / 4, leastReloadMs), mostReloadMs);
      await sleep(this.#context.clock, waitMs, this.#context.signal);
      ({ url, list } = await this.#reload(url, list));
      // A packager that was started anew counts from the beginning.
      if (list.mediaSequence + list.segments.length < next) {
        next = firstSequence(list);
        this.#paced.discontinuity();
      }
    }
    await this.#playing;
  }

  async #mediaPlaylist({ url, text }: Loaded): Promise<{ url: string; list: MediaPlaylist }> {
    const parsed = parsePlaylist(text);
    if (parsed.kind === 'media') return { url, list: parsed.playlist };
    const variant = bestVariant(parsed.playlist.variants);
    if (variant.audioGroup !== undefined) {
      this.#context.logger.warn('the sound is in a playlist of its own, and is left out', { variant: variant.uri });
    }
    const loaded = await this.#load(resolve(variant.uri, url));
    const media = parsePlaylist(loaded.text);
    if (media.kind === 'media') return { url: loaded.url, list: media.playlist };
    throw unusable('a list of lists leads to another one');
  }

  async #load(address: string): Promise<Loaded> {
    const { url, bytes } = await this.#source.read(address, maxPlaylistBytes);
    return { url, text: bytes.toString('utf8') };
  }

  /** A list that cannot be had now stays as it was, a few times. */
  async #reload(url: string, list: MediaPlaylist): Promise<{ url: string; list: MediaPlaylist }> {
    try {
      const loaded = await this.#load(url);
      const parsed = parsePlaylist(loaded.text);
      this.#failures = 0;
      return parsed.kind === 'media' ? { url: loaded.url, list: parsed.playlist } : { url, list };
    } catch (thrown) {
      this.#failed(thrown);
      return { url, list };
    }
  }

  /** Loads a segment while the one before is played. */
  async #play(segment: PlaylistSegment, place: { url: string; sequence: number }): Promise<void> {
    let units: readonly TimedUnit[] = [];
    try {
      if (!segment.gap) units = await this.#segment(segment, place);
      this.#failures = 0;
    } catch (thrown) {
      this.#failed(thrown);
    }
    await this.#playing;
    if (segment.discontinuity) this.#paced.discontinuity();
    this.#playing = this.#paced.write(units);
    // Told by the next `await`.
    this.#playing.catch(() => {});
  }

  #failed(thrown: unknown): void {
    const { signal, logger } = this.#context;
    if (signal.aborted) throw signal.reason;
    const error = toWatchpostError(thrown);
    if (++this.#failures > maxFailures || error.kind === 'unsupported') throw error;
    this.#input.count('segments_failed', 1);
    logger.debug('a part of the playlist could not be had', { code: error.code, reason: error.message });
  }

  async #segment(segment: PlaylistSegment, place: { url: string; sequence: number }): Promise<readonly TimedUnit[]> {
    const init = segment.map === undefined ? undefined : await this.#initOf(segment.map, place.url);
    const { bytes } = await this.#source.read(resolve(segment.uri, place.url), maxSegmentBytes, rangeOf(segment.range));
    return this.#demuxer.read(await this.#decrypt(bytes, segment, place), init);
  }

  async #initOf(map: NonNullable<PlaylistSegment['map']>, base: string): Promise<Uint8Array> {
    const url = resolve(map.uri, base);
    const key = `${url} ${rangeOf(map.range)}`;
    if (this.#init?.key !== key) {
      this.#init = { key, bytes: (await this.#source.read(url, maxInitBytes, rangeOf(map.range))).bytes };
    }
    return this.#init.bytes;
  }

  /** AES-128 in CBC over the whole segment (§4.3.2.4). */
  async #decrypt(
    bytes: Uint8Array,
    { key }: PlaylistSegment,
    { url, sequence }: { url: string; sequence: number },
  ): Promise<Uint8Array> {
    if (key === undefined) return bytes;
    if (key.method !== 'AES-128') throw unusable(`segments are encrypted with ${key.method}`);
    const keyUrl = resolve(key.uri, url);
    if (this.#key?.url !== keyUrl) this.#key = { url: keyUrl, bytes: (await this.#source.read(keyUrl, 1024)).bytes };
    if (this.#key.bytes.length !== keyBytes) throw unusable('the key of the segments has not 16 bytes');
    const iv = Buffer.from(key.iv ?? sequence.toString(16).padStart(32, '0'), 'hex');
    try {
      const decipher = createDecipheriv('aes-128-cbc', this.#key.bytes, iv);
      return Buffer.concat([decipher.update(bytes), decipher.final()]);
    } catch (thrown) {
      this.#key = undefined;
      throw toWatchpostError(thrown, 'HLS_DECRYPT');
    }
  }
}

/** The number of the segment that is played first. */
function firstSequence({ mediaSequence, segments, ended, type }: MediaPlaylist): number {
  if (ended || type === 'vod') return mediaSequence;
  return mediaSequence + Math.max(0, segments.length - liveDistance);
}

/** The one with most bits that has a picture; one with its sound inside where there are both. */
function bestVariant(variants: readonly PlaylistVariant[]): PlaylistVariant {
  const rank = ({ codecs, bandwidth, audioGroup }: PlaylistVariant) => {
    const hasPicture = codecs === undefined || /avc|hvc|hev|av01|vp0?9/.test(codecs);
    return (hasPicture ? 1e15 : 0) + (audioGroup === undefined ? 1e13 : 0) + bandwidth;
  };
  return variants.reduce((best, one) => (rank(one) > rank(best) ? one : best));
}

function rangeOf(range: PlaylistSegment['range']): string | undefined {
  return range === undefined ? undefined : `bytes=${range.offset}-${range.offset + range.length - 1}`;
}

function resolve(uri: string, base: string): string {
  const url = URL.canParse(uri, base) ? new URL(uri, base) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href;
  throw unusable(`"${uri.slice(0, 100)}" cannot be fetched`);
}

function unusable(what: string): WatchpostError {
  return new WatchpostError(`The playlist cannot be played: ${what}`, {
    kind: 'unsupported',
    code: 'HLS_UNSUPPORTED',
  });
}
