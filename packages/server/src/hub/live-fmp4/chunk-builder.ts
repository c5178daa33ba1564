import { equalBytes } from '@watchpost/base/bytes.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import { bringsOtherTracks } from '@watchpost/media/container/track-change.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { carriageOf, isComplete } from './carriage.ts';
import { FlacAudio } from './flac-audio.ts';
import type { LiveChunk, LiveInit } from './live-chunk.ts';
import { mimeType } from './mime.ts';

/** Sound without a picture is cut into chunks no longer than this, and anything into none that is larger. */
const maxChunkMs = 1000;
const maxChunkBytes = 4 * 1024 * 1024;
/** Sound waits so long for the next picture, so that both go out as one chunk. */
const maxAudioWaitMs = 100;
/** Of a picture or sound whose successor is not known, where the track says nothing. */
const usualFrameMs = 40;
/** Longer steps are holes, not the pace of the stream. */
const maxPaceMs = 2000;

/** One track that is carried. */
interface Lane {
  /** As the samples name it; another object once a session or parameter set is new. */
  readonly source: Track;
  readonly output: Track;
  readonly flac: FlacAudio | undefined;
  pending: Sample[];
  lastDts: number;
  /** Last step from sample to sample, ticks. */
  pace: number;
}

/**
 * Turns samples into CMAF chunks (ISO/IEC 23000-19 §7.3.2.3): one for each picture with the sound around it, also where many
 * come at once, as from a GOP cache: low-latency HLS makes its parts of whole chunks. The last sample's duration is taken from the pace of its track, so that
 * no picture waits for its successor; the next chunk's decode time is exact all the same.
 */
export class ChunkBuilder {
  readonly #currentTracks: () => readonly Track[];
  readonly #emit: (chunk: LiveChunk) => void;
  #known: readonly Track[] = [];
  #lanes: Lane[] = [];
  #init: LiveInit | undefined;
  #lastInit: LiveInit | undefined;
  #haveSetsChanged = false;
  #session = 0;
  #sequence = 0;
  #samplesBefore = 0;
  #needsKey = true;
  #hasVideo = false;
  #pendingBytes = 0;
  /** Samples that nobody could show: before the first key picture, or of a track that is not complete yet. */
  skipped = 0;

  /** `currentTracks`: those of the present session, asked when a sample brings a track that is not known yet. */
  constructor(currentTracks: () => readonly Track[], emit: (chunk: LiveChunk) => void) {
    this.#currentTracks = currentTracks;
    this.#emit = emit;
  }

  /** Takes one sample; a chunk comes out where a key picture or a bound ends one. */
  push(sample: Sample): void {
    if (bringsOtherTracks(sample, this.#known, this.#currentTracks())) this.#adopt(sample.track);
    const lane = this.#laneOf(sample.track);
    if (lane === undefined) return;
    const isVideo = lane.output.kind === 'video';
    const startsGroup = sample.key && (isVideo || !this.#hasVideo);
    if (this.#init === undefined || (this.#needsKey && !startsGroup)) {
      this.skipped++;
      return;
    }
    this.#needsKey = false;
    if ((isVideo && (sample.key || lane.pending.length > 0)) || this.#isFull(lane, sample)) this.#cut();
    if (lane.flac === undefined) this.#add(lane, sample.key && this.#haveSetsChanged ? withSets(sample) : sample);
    else for (const frame of lane.flac.push(sample)) this.#add(lane, frame);
  }

  /** Ends the chunk under way, unless it is a little sound that can wait for its picture. */
  flush(): void {
    if (this.#hasVideo && this.#lanes[0]?.pending.length === 0) {
      let waitMs = 0;
      for (const lane of this.#lanes) waitMs = Math.max(waitMs, spanMs(lane));
      if (waitMs < maxAudioWaitMs) return;
    }
    this.#cut();
  }

  #add(lane: Lane, sample: Sample): void {
    const step = sample.dts - lane.lastDts;
    if (lane.lastDts >= 0 && step > 0 && step * 1000 < maxPaceMs * lane.output.clockRate) lane.pace = step;
    lane.lastDts = sample.dts;
    lane.pending.push(sample);
    this.#pendingBytes += sample.byteLength;
  }

  #laneOf(track: Track): Lane | undefined {
    for (const lane of this.#lanes) if (lane.source === track) return lane;
    return undefined;
  }

  #isFull(lane: Lane, sample: Sample): boolean {
    if (this.#pendingBytes + sample.byteLength > maxChunkBytes) return true;
    const first = lane.pending[0];
    return first !== undefined && (sample.dts - first.dts) * 1000 >= maxChunkMs * lane.output.clockRate;
  }

  /** A sample of a new session, with new parameter sets, or with which sound comes or goes: a discontinuity, with a new init segment where they differ. */
  #adopt(track: Track): void {
    this.#cut();
    const current = this.#currentTracks();
    this.#known = current.includes(track) ? current : [...this.#known.filter((t) => t.id !== track.id), track];
    const carried = this.#known.filter((t) => carriageOf(t) !== 'none').sort(videoFirst);
    this.#lanes = carried.filter(isComplete).map(openLane);
    this.#hasVideo = carried.some((t) => t.kind === 'video');
    const isPlayable = this.#lanes.length > 0 && (!this.#hasVideo || this.#lanes[0]!.output.kind === 'video');
    this.#init = isPlayable ? initOf(this.#lanes, this.#lastInit) : undefined;
    this.#haveSetsChanged ||= this.#lastInit !== undefined && this.#init !== undefined && this.#init !== this.#lastInit;
    this.#lastInit = this.#init ?? this.#lastInit;
    this.#session++;
    this.#needsKey = true;
  }

  #cut(): void {
    const init = this.#init;
    const carrying = this.#lanes.filter((lane) => lane.pending.length > 0);
    if (init === undefined || carrying.length === 0) return;
    const lead = carrying[0]!;
    const first = lead.pending[0]!;
    const { clockRate } = lead.output;
    let samples = 0;
    for (const lane of carrying) samples += lane.pending.length;
    const runs = carrying.map((lane) => ({
      track: lane.output,
      samples: lane.pending,
      nextDts: lane.lastDts + lane.pace,
    }));
    const chunk: LiveChunk = {
      init,
      session: this.#session,
      bytes: writeFragment(++this.#sequence, runs),
      key: first.key && (lead.output.kind === 'video' || !this.#hasVideo),
      samplesBefore: this.#samplesBefore,
      samples,
      startMs: (first.dts * 1000) / clockRate,
      endMs: ((lead.lastDts + lead.pace) * 1000) / clockRate,
      ptsMs: (first.pts * 1000) / clockRate,
      wallMs: first.wallMs,
    };
    this.#samplesBefore += samples;
    this.#pendingBytes = 0;
    for (const lane of carrying) lane.pending = [];
    this.#emit(chunk);
  }
}

function openLane(track: Track): Lane {
  const flac = carriageOf(track) === 'flac' ? new FlacAudio(track) : undefined;
  const output = flac?.track ?? track;
  const frameMs = track.fps !== undefined && track.fps > 0 ? 1000 / track.fps : usualFrameMs;
  const pace = Math.max(1, Math.round((frameMs * output.clockRate) / 1000));
  return { source: track, output, flac, pending: [], lastDts: -1, pace };
}

/**
 * A key picture with its parameter sets in front. They are those of the sample entry; but FFmpeg keeps to the first init
 * segment that it reads ("Found duplicated MOOV Atom. Skipped it").
 */
function withSets(sample: Sample): Sample {
  const { track, dts, pts, key, units, wallMs, lost } = sample;
  if (track.codec !== 'h264' && track.codec !== 'h265') return sample;
  const sets = track.parameterSets;
  const byteLength = sets.reduce((bytes, set) => bytes + set.length, sample.byteLength);
  return { track, dts, pts, key, units: [...sets, ...units], byteLength, wallMs, lost };
}

/** The one before, where a player that has it needs no other. */
function initOf(lanes: readonly Lane[], before: LiveInit | undefined): LiveInit {
  const tracks = lanes.map((lane) => lane.output);
  const bytes = writeInitSegment(tracks);
  if (before !== undefined && equalBytes(bytes, before.bytes)) return before;
  return { bytes, ...mimeType(tracks), tracks };
}

function spanMs(lane: Lane): number {
  const first = lane.pending[0];
  return first === undefined ? 0 : ((lane.lastDts + lane.pace - first.dts) * 1000) / lane.output.clockRate;
}

function videoFirst(a: Track, b: Track): number {
  return Number(b.kind === 'video') - Number(a.kind === 'video');
}
