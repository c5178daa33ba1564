import type { Sample, Track } from '../../types.ts';
import { bringsOtherTracks } from '../track-change.ts';
import { flvLeftOut } from './carriage.ts';
import { FlvMuxer, type HeaderTimes } from './muxer.ts';
import type { FlvH265 } from './sequence-header.ts';

/** A batch (a GOP cache, say) is cut into parts of about so many bytes. */
const maxBatchBytes = 512 * 1024;

/** What a batch is, whatever its bytes look like; with the times of the sequence headers that may stand before it. */
export interface BatchFacts extends HeaderTimes {
  /** Another one than before: the viewer needs its sequence headers first. */
  readonly muxer: FlvMuxer;
  /** A decoder can start here. */
  readonly key: boolean;
  /** Samples in batches before this one since the builder began; a jump tells what a viewer missed. */
  readonly samplesBefore: number;
  readonly samples: number;
}

/** Writes samples, all of tracks that the muxer carries, in the form of one protocol. */
export type SerializeBatch<B extends BatchFacts> = (facts: BatchFacts, samples: readonly Sample[]) => B;

/** How a builder works. */
export interface BatchBuilderOptions<B extends BatchFacts> {
  readonly h265: FlvH265;
  /** Sound waits so long for the next picture, so that both go out at once. */
  readonly maxAudioWaitMs: number;
  /** The tracks of the present session; see `bringsOtherTracks`. */
  readonly currentTracks: () => readonly Track[];
  readonly serialize: SerializeBatch<B>;
  readonly emit: (batch: B) => void;
}

/** When the newest sample of each kind was decoded, ms since the origin. */
class NewestTimes {
  #video: Track | undefined;
  #videoMs = 0;
  #audio: Track | undefined;
  #audioMs = 0;

  add(track: Track, ms: number): void {
    if (track.kind === 'video') {
      this.#video = track;
      this.#videoMs = ms;
    } else {
      this.#audio = track;
      this.#audioMs = ms;
    }
  }

  set(other: NewestTimes): void {
    this.#video = other.#video;
    this.#videoMs = other.#videoMs;
    this.#audio = other.#audio;
    this.#audioMs = other.#audioMs;
  }

  /** Of the newest picture, if it is of one of the tracks; else `otherwise`. */
  videoMs(tracks: readonly Track[], otherwise: number): number {
    return this.#video !== undefined && tracks.includes(this.#video) ? this.#videoMs >>> 0 : otherwise;
  }

  /** The same of sound. */
  audioMs(tracks: readonly Track[], otherwise: number): number {
    return this.#audio !== undefined && tracks.includes(this.#audio) ? this.#audioMs >>> 0 : otherwise;
  }
}

/**
 * Turns samples into batches that go out at once, serialized once for all viewers; one begins at each key picture. Time stamps begin with the first picture and
 * go on over sessions of the source.
 */
export class BatchBuilder<B extends BatchFacts> {
  readonly #options: BatchBuilderOptions<B>;
  #known: readonly Track[] = [];
  #muxer: FlvMuxer | undefined;
  #lead: Track | undefined;
  #hasVideo = false;
  #originMs = -1;
  #needsKey = true;
  #pending: Sample[] = [];
  #pendingBytes = 0;
  #hasPendingPicture = false;
  readonly #newest = new NewestTimes();
  /** When the batch under way began. */
  readonly #newestBefore = new NewestTimes();
  #samplesBefore = 0;

  constructor(options: BatchBuilderOptions<B>) {
    this.#options = options;
  }

  /** Takes one sample; a batch comes out where a key picture or a bound ends one. Throws for parameter sets that cannot be read. */
  push(sample: Sample): void {
    const { track } = sample;
    const ms = Math.floor((sample.dts * 1000) / track.clockRate);
    if (this.#originMs < 0) this.#originMs = ms;
    const current = this.#options.currentTracks();
    if (bringsOtherTracks(sample, this.#known, current)) this.#adopt(track, current);
    const isVideo = track.kind === 'video';
    // Sound of before the first picture has no time of its own: FLV has none below 0.
    if (!isVideo && ms < this.#originMs) return;
    this.#newest.add(track, Math.max(0, ms - this.#originMs));
    const startsGroup = sample.key && (isVideo || !this.#hasVideo);
    if (!this.#muxer?.tracks.includes(track) || (this.#needsKey && !startsGroup)) return;
    this.#needsKey = false;
    if ((isVideo && sample.key) || this.#pendingBytes + sample.byteLength > maxBatchBytes) this.cut();
    if (this.#pending.length === 0) this.#newestBefore.set(this.#newest);
    this.#pending.push(sample);
    this.#pendingBytes += sample.byteLength;
    if (isVideo) this.#hasPendingPicture = true;
  }

  /** True while samples wait that should go out: not for a little sound, which waits for its picture. */
  get isDue(): boolean {
    const first = this.#pending[0];
    if (first === undefined) return false;
    if (!this.#hasVideo || this.#hasPendingPicture) return true;
    const last = this.#pending.at(-1)!;
    return ((last.dts - first.dts) * 1000) / first.track.clockRate >= this.#options.maxAudioWaitMs;
  }

  /** Samples of the batch under way: batches are copies. */
  get held(): readonly Sample[] {
    return this.#pending;
  }

  /** Ends the batch under way, if there is one. */
  cut(): void {
    const samples = this.#pending;
    const muxer = this.#muxer;
    if (samples.length === 0 || muxer === undefined) return;
    const first = samples[0]!;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#hasPendingPicture = false;
    const timestampMs = muxer.timestampMs(first);
    const startsWithVideo = first.track.kind === 'video';
    const facts: BatchFacts = {
      muxer,
      videoMs: startsWithVideo ? timestampMs : this.#newestBefore.videoMs(muxer.tracks, timestampMs),
      audioMs: startsWithVideo ? this.#newestBefore.audioMs(muxer.tracks, timestampMs) : timestampMs,
      key: first.key && (startsWithVideo || !this.#hasVideo),
      samplesBefore: this.#samplesBefore,
      samples: samples.length,
    };
    this.#samplesBefore += samples.length;
    this.#options.emit(this.#options.serialize(facts, samples));
  }

  /** A new session, or new parameter sets: its viewers get new sequence headers. */
  #adopt(track: Track, current: readonly Track[]): void {
    this.cut();
    const { h265 } = this.#options;
    this.#known = current.includes(track) ? current : [...this.#known.filter((one) => one.id !== track.id), track];
    const muxer = new FlvMuxer(this.#known, { h265, originMs: this.#originMs });
    const [lead] = muxer.tracks;
    // A picture that cannot be carried does not keep the sound back; one that is not complete yet is waited for.
    this.#hasVideo = this.#known.some((one) => one.kind === 'video' && flvLeftOut(one) === undefined);
    const isPlayable = lead !== undefined && (!this.#hasVideo || lead.kind === 'video');
    if (this.#lead !== lead) this.#needsKey = true;
    this.#lead = lead;
    this.#muxer = isPlayable ? muxer : undefined;
  }
}
