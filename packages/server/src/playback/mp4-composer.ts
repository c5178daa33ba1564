import { WatchpostError } from '@watchpost/base/errors.ts';
import type { RunTable } from '@watchpost/media/container/fmp4/read-moof.ts';
import { writeProgressiveHead } from '@watchpost/media/container/mp4/write-head.ts';
import type { CodecName, Track } from '@watchpost/media/types.ts';
import type { Segment } from '../catalog/types.ts';
import { type Mp4File, type Mp4Gap, SliceList } from './mp4-slices.ts';
import { type KeepSound, Mp4Track, nonSync, type SamplePlace } from './mp4-track.ts';

/** A hole this long in the times of a run, of sound, too, is closed like one between runs. */
const closedHoleSeconds = 1;
/** Wall times are whole milliseconds: a picture that begins so little after an instant was there at it. */
const roundingMs = 1;

/** One fragment of a file, by its `moof`. */
export interface ComposedFragment {
  readonly segment: Segment;
  /** First byte of the `moof` in the file; the offsets of `runs` count from it. */
  readonly offset: number;
  readonly startMs: number;
  readonly runs: readonly RunTable[];
  /** It does not go on where the fragment before ended. */
  readonly isCut: boolean;
  /** All of it, where sound has to be made anew. */
  readonly bytes?: Uint8Array;
}

/** What a composer is told. */
export interface ComposerOptions {
  readonly startMs: number;
  readonly endMs: number;
  /** With it G.711 becomes FLAC; else it stays as it is. */
  readonly keepSound?: KeepSound;
}

/**
 * Fragments of many files as one progressive MP4: which bytes go where, and the tables. Pictures and most sound do not
 * pass through it. It begins at the very picture by an edit list; holes between runs are closed.
 */
export class Mp4Composer {
  readonly #options: ComposerOptions;
  readonly #slices = new SliceList();
  readonly #gaps: Mp4Gap[] = [];
  readonly #video = new Mp4Track();
  readonly #audio = new Mp4Track();
  /** Of the first pictures, and of the first sound. */
  #videoCodec: CodecName | undefined;
  /** The file that the last pictures were in. */
  #pictureFile: Segment | undefined;
  #soundCodec: CodecName | undefined;
  /** The file that the last fragment was in ends, ms since 1970 UTC. */
  #fileEndMs = 0;
  /** Seconds in the run, and in the MP4, at which the present piece begins. */
  #pieceIn = 0;
  #pieceOut = 0;
  /** Where the leading track ends, seconds in the run and ms of wall clock. */
  #endIn = Number.NaN;
  #endMs = 0;
  /** Where its sound ends, seconds in the run. */
  #soundEndIn = Number.NEGATIVE_INFINITY;
  #firstMs = Number.NaN;
  /** How much later than it is decoded a key picture is shown, ticks: B pictures need that time. */
  #reorderTicks = 0;
  /** Seconds in the MP4 between which the leading track is shown. */
  #shownFrom = 0;
  #shownTo = 0;
  /** No more pictures are wanted … */
  #isOver = false;
  /** … and no more sound behind them. */
  #isDone = false;

  constructor(options: ComposerOptions) {
    this.#options = options;
  }

  /** True once what comes is later than what is wanted. */
  get isOver(): boolean {
    return this.#isDone;
  }

  /**
   * Adds a fragment; they come in order of time, the first one with a key picture. Throws `resource_exhausted`, and
   * `unsupported` where the pictures have another codec from here on.
   */
  add(fragment: ComposedFragment): void {
    const pictures = fragment.runs.find((run) => run.file.track.kind === 'video');
    const lead = pictures ?? fragment.runs[0];
    if (lead === undefined || lead.sizes.length === 0) return;
    if (pictures === undefined && this.#pictureFile === fragment.segment) {
      this.#addRest(fragment);
      return;
    }
    this.#isDone = this.#isOver;
    if (this.#isOver) return;
    this.#pictureFile = pictures && fragment.segment;
    // The clock of a run is that of its key pictures; any other picture may be the first one of a fragment.
    if ((lead.flags[0]! & nonSync) === 0) this.#reorderTicks = lead.compositions[0]!;
    this.#isOver = this.#isDone = this.#isLater(fragment.startMs, lead.file.track);
    if (this.#isOver) return;
    this.#checkCodec(lead.file.track, fragment);
    const beginIn = lead.startTicks / lead.file.track.clockRate;
    if (fragment.isCut || !this.#goesOn(beginIn, fragment.runs)) this.#beginPiece(beginIn, fragment.startMs);
    const count = this.#measure(lead, fragment.startMs);
    for (const run of fragment.runs) {
      if (run === lead) this.#addRun(run, count, fragment);
      else if (run.file.track.kind === 'audio') this.#addSound(run, fragment);
    }
  }

  /** The file; undefined where nothing of what was added is wanted. */
  finish(): Mp4File | undefined {
    this.#flushSound();
    const shown = { from: this.#shownFrom, to: this.#shownTo };
    const tracks = [this.#video.finish(shown), this.#audio.finish(shown)].filter((track) => track !== undefined);
    if (tracks.length === 0) return undefined;
    const head = writeProgressiveHead(tracks, this.#slices.bytes);
    return {
      head,
      slices: this.#slices.slices,
      bytes: head.length + this.#slices.bytes,
      startMs: Math.round(this.#firstMs),
      endMs: Math.round(this.#endMs),
      durationMs: Math.round((shown.to - shown.from) * 1000),
      gaps: this.#gaps,
    };
  }

  /**
   * Sound that goes on, or lasts, through a hole of the pictures would be torn or doubled if the hole were closed. What
   * came of it since the last picture comes with the next one.
   */
  #goesOn(beginIn: number, runs: readonly RunTable[]): boolean {
    let endIn = Math.max(this.#endIn, this.#soundEndIn);
    for (const { file, startTicks, durations } of runs) {
      const { kind, clockRate } = file.track;
      if (kind !== 'audio' || startTicks / clockRate > endIn + closedHoleSeconds) continue;
      let ticks = startTicks;
      for (let i = 0; i < durations.length && durations[i]! <= closedHoleSeconds * clockRate; i++) {
        ticks += durations[i]!;
      }
      endIn = Math.max(endIn, ticks / clockRate);
    }
    return beginIn >= this.#endIn - closedHoleSeconds && beginIn <= endIn + closedHoleSeconds;
  }

  /** One track may change its parameter sets, but not its codec: players stop there, and say nothing. */
  #checkCodec({ kind, codec }: Track, { startMs, segment }: ComposedFragment): void {
    if (kind !== 'video') return;
    this.#videoCodec ??= codec;
    if (codec === this.#videoCodec) {
      this.#fileEndMs = segment.endMs;
      return;
    }
    const until = new Date(Math.floor(startMs)).toISOString();
    const from = new Date(Math.ceil(Math.max(startMs, this.#fileEndMs))).toISOString();
    throw new WatchpostError(
      `The pictures are ${this.#videoCodec} first and ${codec} later, which no player shows as one file — ask until ${until}, then from ${from} on`,
      { kind: 'unsupported', code: 'PLAYBACK_CODEC_CHANGE', context: { from: this.#videoCodec, to: codec, startMs } },
    );
  }

  /** Sound of another codec than the first is left out. */
  #addSound(run: RunTable, fragment: ComposedFragment): void {
    this.#soundCodec ??= run.file.track.codec;
    if (run.file.track.codec !== this.#soundCodec) return;
    const ticks = run.durations.reduce((sum, duration) => sum + duration, run.startTicks);
    this.#soundEndIn = ticks / run.file.track.clockRate;
    this.#addRun(run, this.#soundSamples(run), fragment);
  }

  /** Sound behind the last picture of a file: that picture is shown until it ends. */
  #addRest(fragment: ComposedFragment): void {
    const { startMs, runs } = fragment;
    for (const run of runs) {
      const { clockRate, codec } = run.file.track;
      this.#soundCodec ??= codec;
      if (codec !== this.#soundCodec) continue;
      const wantedTicks = ((this.#options.endMs - startMs) * clockRate) / 1000;
      let ticks = 0;
      let count = 0;
      for (; count < run.sizes.length && ticks < wantedTicks; count++) ticks += run.durations[count]!;
      if (count === 0) continue;
      this.#addRun(run, count, fragment);
      const endIn = (run.startTicks + ticks) / clockRate;
      this.#soundEndIn = Math.max(this.#soundEndIn, endIn);
      this.#endMs = Math.max(this.#endMs, Math.min(this.#options.endMs, startMs + (ticks * 1000) / clockRate));
      this.#shownTo = Math.max(this.#shownTo, endIn - this.#pieceIn + this.#pieceOut);
    }
  }

  #addRun(run: RunTable, count: number, fragment: ComposedFragment): void {
    if (count === 0) return;
    const { track } = run.file;
    const place: SamplePlace = { ...fragment, ...this.#piece };
    const { keepSound: keep } = this.#options;
    const isG711 = track.codec === 'pcma' || track.codec === 'pcmu';
    if (track.kind === 'video') this.#video.add(run, count, place);
    else if (isG711 && keep !== undefined && fragment.bytes !== undefined) {
      this.#audio.addFlac(run, count, { ...place, fragment: fragment.bytes, keep });
    } else this.#audio.add(run, count, place);
  }

  get #piece(): Pick<SamplePlace, 'slices' | 'pieceIn' | 'pieceOut'> {
    return { slices: this.#slices, pieceIn: this.#pieceIn, pieceOut: this.#pieceOut };
  }

  #flushSound(): void {
    const { keepSound: keep } = this.#options;
    if (keep !== undefined) this.#audio.flush({ ...this.#piece, keep });
  }

  #beginPiece(beginIn: number, startMs: number): void {
    if (!Number.isNaN(this.#endIn)) {
      this.#flushSound();
      this.#pieceOut = Math.max(this.#video.endSeconds, this.#audio.endSeconds);
      if (startMs > this.#endMs) this.#gaps.push({ startMs: Math.round(this.#endMs), endMs: Math.round(startMs) });
    }
    this.#pieceIn = beginIn;
    this.#endMs = startMs;
    this.#soundEndIn = Number.NEGATIVE_INFINITY;
  }

  /** True where nothing that is decoded at `atMs` or later is shown before the end: B pictures follow what is shown after them. */
  #isLater(atMs: number, { clockRate }: Track): boolean {
    return atMs - (this.#reorderTicks * 1000) / clockRate >= this.#options.endMs - roundingMs;
  }

  /** How many samples of the leading run are wanted; moves the edges of what is shown. */
  #measure(lead: RunTable, startMs: number): number {
    const { clockRate } = lead.file.track;
    const { startMs: wantedMs, endMs } = this.#options;
    const firstPts = lead.startTicks + this.#reorderTicks;
    const shift = this.#pieceOut - this.#pieceIn;
    let dts = lead.startTicks;
    let count = 0;
    let endPts = 0;
    for (const [i, duration] of lead.durations.entries()) {
      const pts = dts + lead.compositions[i]!;
      dts += duration;
      const wallMs = startMs + ((pts - firstPts) * 1000) / clockRate;
      if (wallMs >= endMs - roundingMs) continue;
      count = i + 1;
      endPts = Math.max(endPts, pts + duration);
      if (!Number.isNaN(this.#firstMs) && (wallMs > wantedMs + roundingMs || wallMs < this.#firstMs)) continue;
      this.#firstMs = wallMs;
      this.#shownFrom = pts / clockRate + shift;
    }
    this.#isOver = this.#isLater(startMs + ((dts - lead.startTicks) * 1000) / clockRate, lead.file.track);
    if (count === 0) return 0;
    this.#endIn = (this.#isOver ? endPts : dts) / clockRate;
    this.#endMs = Math.max(this.#endMs, startMs + ((endPts - firstPts) * 1000) / clockRate);
    this.#shownTo = Math.max(this.#shownTo, endPts / clockRate + shift);
    return count;
  }

  /** Sound is wanted up to the end of the last picture. */
  #soundSamples(run: RunTable): number {
    if (!this.#isOver) return run.sizes.length;
    const { clockRate } = run.file.track;
    let dts = run.startTicks;
    for (const [i, duration] of run.durations.entries()) {
      if (dts / clockRate >= this.#endIn) return i;
      dts += duration;
    }
    return run.sizes.length;
  }
}
