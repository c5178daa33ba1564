import { isTsReady } from '@watchpost/media/container/mpeg-ts/carriage.ts';
import { TsMuxer } from '@watchpost/media/container/mpeg-ts/muxer.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { segmentLeftOut } from './container.ts';
import type { MediaChunk } from './live-media.ts';

/** Chunks are no larger than this and one picture. */
const maxChunkBytes = 4 * 1024 * 1024;
/** Of a picture or sound whose successor is not known, where the track says nothing. */
const usualFrameMs = 40;
/** Longer steps are holes, not the pace of the stream. */
const maxPaceMs = 2000;

/** How chunks are made. */
export interface TsChunkOptions {
  /** A chunk ends at the first picture after so long; 0 makes one of each picture, then only some begin with tables. */
  readonly chunkMs: number;
  /** The tracks of the present session, asked when a sample brings one that is not known yet. */
  readonly currentTracks: () => readonly Track[];
  readonly emit: (chunk: MediaChunk) => void;
  /** The next chunk begins with a key picture at this decode time; told before that chunk is whole. */
  readonly onKeyAhead: (startMs: number) => void;
}

/**
 * Turns samples into stretches of an MPEG transport stream: each begins with the tables and with a picture (or sound,
 * where there is no picture), so that a segment may begin with any of them. Tables come before each key picture and twice
 * a second anyway. One muxer writes them all: continuity counters go on (RFC 8216 §3.2).
 */
export class TsChunkBuilder {
  readonly #options: TsChunkOptions;
  readonly #muxer = new TsMuxer([]);
  #known: readonly Track[] = [];
  #lead: Track | undefined;
  #carried: readonly Track[] = [];
  #session = 0;
  #needsKey = true;
  #pending: Sample[] = [];
  #pendingBytes = 0;
  #lastDts = -1;
  #pace = 0;

  constructor(options: TsChunkOptions) {
    this.#options = options;
  }

  /** Takes one sample; a chunk comes out where this one begins another. Throws `malformed` for parameter sets that cannot be read. */
  push(sample: Sample): void {
    if (!this.#known.includes(sample.track)) this.#adopt(sample.track);
    const lead = this.#lead;
    if (lead === undefined || !this.#carried.includes(sample.track)) return;
    const isLead = sample.track === lead;
    if (this.#needsKey && !(isLead && sample.key)) return;
    this.#needsKey = false;
    if (isLead && this.#endsBefore(sample, lead)) this.cut();
    if (this.#pending.length === 0 && sample.key && this.#lastDts >= 0) {
      this.#options.onKeyAhead((sample.dts * 1000) / lead.clockRate);
    }
    this.#pending.push(sample);
    this.#pendingBytes += sample.byteLength;
    if (isLead) this.#follow(sample, lead);
  }

  /** Ends the chunk under way, if there is one. */
  cut(): void {
    const samples = this.#pending;
    const first = samples[0];
    if (first === undefined) return;
    this.#pending = [];
    this.#pendingBytes = 0;
    const { clockRate } = first.track;
    this.#options.emit({
      init: undefined,
      session: this.#session,
      bytes: this.#muxer.write(samples, { tables: this.#options.chunkMs > 0 }),
      key: first.key,
      startMs: (first.dts * 1000) / clockRate,
      endMs: ((this.#lastDts + this.#pace) * 1000) / clockRate,
      wallMs: first.wallMs,
    });
  }

  #endsBefore(sample: Sample, lead: Track): boolean {
    const first = this.#pending[0];
    if (first === undefined) return false;
    if (lead.kind === 'video' && sample.key) return true;
    if (this.#pendingBytes + sample.byteLength > maxChunkBytes) return true;
    // Half a picture of jitter must not make a chunk one picture longer.
    return (sample.dts - first.dts + this.#pace / 2) * 1000 >= this.#options.chunkMs * lead.clockRate;
  }

  #follow(sample: Sample, lead: Track): void {
    const step = sample.dts - this.#lastDts;
    if (this.#lastDts >= 0 && step > 0 && step * 1000 < maxPaceMs * lead.clockRate) this.#pace = step;
    this.#lastDts = sample.dts;
  }

  /** A new session, or new parameter sets: players start anew with it. */
  #adopt(track: Track): void {
    this.cut();
    const current = this.#options.currentTracks();
    this.#known = current.includes(track) ? current : [...this.#known.filter((one) => one.id !== track.id), track];
    const carried = this.#known.filter((one) => segmentLeftOut('ts', one) === undefined);
    this.#muxer.setTracks(carried);
    this.#carried = this.#muxer.tracks;
    const lead = this.#carried[0];
    // Sound does not begin without the picture that is still to come.
    const isAwaited = carried.some((one) => one.kind === 'video' && !isTsReady(one));
    this.#lead = isAwaited && lead?.kind !== 'video' ? undefined : lead;
    this.#session++;
    this.#needsKey = true;
    this.#lastDts = -1;
    this.#pace = this.#lead === undefined ? 0 : paceOf(this.#lead);
  }
}

function paceOf(track: Track): number {
  const frameMs = track.fps !== undefined && track.fps > 0 ? 1000 / track.fps : usualFrameMs;
  return Math.max(1, Math.round((frameMs * track.clockRate) / 1000));
}
