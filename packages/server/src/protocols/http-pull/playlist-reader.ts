import { sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import type { MediaPlaylist, PlaylistSegment } from '@watchpost/media/playlist/m3u8.ts';
import { parsePlaylist } from '@watchpost/media/playlist/parse-m3u8.ts';
import type { TimedUnit } from '../../hub/timed-units.ts';
import type { ProtocolContext } from '../../hub/types.ts';
import type { HttpSource } from './http-source.ts';
import type { PacedInput } from './paced-input.ts';
import { SegmentFiles, type SegmentPlace, unusable } from './segment-files.ts';

const maxPlaylistBytes = 4 * 1024 * 1024;
const leastReloadMs = 500;
const mostReloadMs = 10_000;
const maxFailures = 3;
const usualTargetMs = 2000;
const liveDistance = 3;
/** A packager that begins anew begins with other timelines, whatever their numbers. */
const epochsOfRun = 1_000_000;

/** What a reader of one list works with. */
export interface PlaylistReaderOptions {
  readonly source: HttpSource;
  readonly context: Pick<ProtocolContext, 'clock' | 'signal' | 'logger'>;
  readonly paced: PacedInput;
  /** Counts under a stable name. */
  readonly count: (name: string, n: number) => void;
  /** What of each segment is taken. */
  readonly pick: (units: readonly TimedUnit[]) => readonly TimedUnit[];
  /** It goes on for as long as it may, whatever is missing: the other list has the picture. */
  readonly mayFail: boolean;
}

/** A list that was read, and from where. */
export interface LoadedList {
  readonly url: string;
  readonly list: MediaPlaylist;
}

/** Reads a playlist as text. */
export async function loadText(source: HttpSource, address: string): Promise<{ url: string; text: string }> {
  const { url, bytes } = await source.read(address, maxPlaylistBytes);
  return { url, text: bytes.toString('utf8') };
}

/** Reads a media playlist. Throws `unsupported` for a list of lists. */
export async function loadList(source: HttpSource, address: string): Promise<LoadedList> {
  const { url, text } = await loadText(source, address);
  const parsed = parsePlaylist(text);
  if (parsed.kind === 'media') return { url, list: parsed.playlist };
  throw unusable('a list of lists leads to another one');
}

/** Plays one media playlist (RFC 8216 §6.3), live or whole, one segment ahead of what is shown. */
export class PlaylistReader {
  readonly #options: PlaylistReaderOptions;
  readonly #files: SegmentFiles;
  #failures = 0;
  #lastFailure: WatchpostError | undefined;
  /** One segment could be had. */
  #hasPlayed = false;
  /** Discontinuities up to the newest segment (§6.2.1), which the other list counts alike; and up to which one they are counted. */
  #epoch = 0;
  #counted = 0;
  #restarts = 0;
  /** What was loaded last is being handed on. */
  #playing: Promise<void> = Promise.resolve();

  constructor(options: PlaylistReaderOptions) {
    this.#options = options;
    this.#files = new SegmentFiles(options.source);
  }

  /**
   * Plays `loaded` from the segment `next` on, and what is added to it. `ready`: the first segment is there, or could not
   * be had; nothing is handed on before it resolves. Resolves at the end of a list that ends; rejects with the reason.
   */
  async run({ url, list }: LoadedList, next: number, ready: () => Promise<void>): Promise<void> {
    const { context, count } = this.#options;
    this.#enter(list, next);
    let begin: (() => Promise<void>) | undefined = ready;
    for (;;) {
      const { mediaSequence, segments } = list;
      if (next < mediaSequence) {
        // The network was away for longer than the list is.
        count('segments_missed', mediaSequence - next);
        next = Math.max(mediaSequence, liveStart(list));
        this.#enter(list, next);
      }
      const before = next;
      for (; next < mediaSequence + segments.length; next++) {
        await this.#play(segments[next - mediaSequence]!, { url, sequence: next }, begin);
        begin = undefined;
      }
      if (list.ended) break;
      const targetMs = list.targetDurationMs ?? usualTargetMs;
      const waitMs = Math.min(Math.max(next > before ? targetMs / 2 : targetMs / 4, leastReloadMs), mostReloadMs);
      await sleep(context.clock, this.#failures > maxFailures ? mostReloadMs : waitMs, context.signal);
      ({ url, list } = await this.#reload(url, list));
      // A packager that was started anew counts from the beginning.
      if (list.mediaSequence + list.segments.length < next) {
        next = liveStart(list);
        this.#restarts++;
        this.#enter(list, next);
      }
    }
    await begin?.();
    await this.#playing;
    if (!this.#hasPlayed && !this.#options.mayFail && this.#lastFailure !== undefined) throw this.#lastFailure;
  }

  #enter(list: MediaPlaylist, sequence: number): void {
    this.#epoch = this.#restarts * epochsOfRun + epochAt(list, sequence);
    this.#counted = sequence;
  }

  /** A list that cannot be had now stays as it was, a few times. */
  async #reload(url: string, list: MediaPlaylist): Promise<LoadedList> {
    try {
      const loaded = await loadList(this.#options.source, url);
      this.#failures = 0;
      return loaded;
    } catch (thrown) {
      this.#failed(thrown);
      return { url, list };
    }
  }

  /** Loads a segment while the one before is played. */
  async #play(segment: PlaylistSegment, place: SegmentPlace, begin?: () => Promise<void>): Promise<void> {
    const { paced, pick } = this.#options;
    let units: readonly TimedUnit[] = [];
    try {
      if (!segment.gap) units = pick(await this.#files.read(segment, place));
      this.#failures = 0;
      this.#hasPlayed ||= !segment.gap;
    } catch (thrown) {
      this.#failed(thrown);
    }
    await begin?.();
    await this.#playing;
    if (segment.discontinuity && place.sequence > this.#counted) this.#epoch++;
    this.#playing = paced.write(units, this.#epoch);
    // Told by the next `await`.
    this.#playing.catch(() => {});
  }

  #failed(thrown: unknown): void {
    const { context, count, mayFail } = this.#options;
    const { signal, logger } = context;
    if (signal.aborted) throw signal.reason;
    const error = toWatchpostError(thrown);
    if (error.kind === 'unsupported' || (++this.#failures > maxFailures && !mayFail)) throw error;
    this.#lastFailure = error;
    count('segments_failed', 1);
    const told = { code: error.code, reason: error.message };
    if (this.#failures === maxFailures + 1) logger.warn('the playlist of the sound cannot be had', told);
    else logger.debug('a part of the playlist could not be had', told);
  }
}

/** The number of the segment that is played first: of a live list, the third from its end (RFC 8216 §6.3.3). */
export function liveStart({ mediaSequence, segments, ended, type }: MediaPlaylist): number {
  if (ended || type === 'vod') return mediaSequence;
  return mediaSequence + Math.max(0, segments.length - liveDistance);
}

/** Discontinuities up to a segment, its own included, since the list began. */
function epochAt({ mediaSequence, discontinuitySequence = 0, segments }: MediaPlaylist, sequence: number): number {
  let epoch = discontinuitySequence;
  for (let i = 0; i <= sequence - mediaSequence && i < segments.length; i++) if (segments[i]!.discontinuity) epoch++;
  return epoch;
}
