import type { Sample, Track } from '@watchpost/media/types.ts';
import type { BackfillRecord } from '@watchpost/tunnel/backfill/record.ts';
import type { GapStore } from '../../catalog/gap-store.ts';
import type { SegmentStore } from '../../catalog/segment-store.ts';
import type { StorageBackend } from '../../catalog/types.ts';
import { beginRun } from '../begin-run.ts';
import { carriedTracks } from '../carried-tracks.ts';
import { FragmentBuffers } from '../fragment-buffers.ts';
import { type Cut, FragmentCutter } from '../fragment-cutter.ts';
import { type Run, SegmentWriter } from '../segment-writer.ts';
import { type KeptBatch, KeptSamples } from './kept-samples.ts';

/** What a gap is filled with, and where it goes. */
export interface GapFilesOptions {
  readonly streamId: string;
  /** The gap, ms since 1970 UTC by our clock. */
  readonly startMs: number;
  readonly endMs: number;
  /** Added to the agent's times. */
  readonly offsetMs: number;
  /** Length of a file. */
  readonly segmentMs: number;
  readonly store: SegmentStore;
  readonly gaps: GapStore;
  /** In order of preference. */
  readonly backends: readonly StorageBackend[];
  readonly signal: AbortSignal;
}

/** Files what an agent kept of a gap under its stream: whole files with rows, from the first key picture in the gap on. */
export class GapFiles implements AsyncDisposable {
  readonly #options: GapFilesOptions;
  readonly #kept: KeptSamples;
  readonly #buffers = new FragmentBuffers();
  #known: readonly Track[] = [];
  #cutter: FragmentCutter | undefined;
  #run: Run | undefined;
  #writer: SegmentWriter | undefined;
  #hasBegun = false;
  #recordedMs = 0;

  private constructor(options: GapFilesOptions, kept: KeptSamples) {
    this.#options = options;
    this.#kept = kept;
  }

  /** Opens it; nothing is written before the first key picture. */
  static async open(options: GapFilesOptions): Promise<GapFiles> {
    return new GapFiles(options, await KeptSamples.open(options.offsetMs));
  }

  /** Milliseconds that became recordings. */
  get recordedMs(): number {
    return this.#recordedMs;
  }

  /** Takes the next records. */
  push(record: BackfillRecord): void {
    this.#kept.push(record);
  }

  /** Writes what became whole. */
  async write(): Promise<void> {
    for (const batch of this.#kept.take()) for (const sample of batch.samples) await this.#take(sample, batch);
    await this.#store(this.#cutter?.take(false) ?? []);
  }

  /** Writes the rest; the last file gets its row. */
  async finish(): Promise<void> {
    this.#kept.finish();
    await this.write();
    await this.#store(this.#cutter?.take(true) ?? []);
    await this.#endSegment();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    if (writer) {
      await writer.file.close().catch(() => {});
      await writer.backend.remove(writer.key).catch(() => {});
    }
    await this.#kept[Symbol.asyncDispose]();
  }

  async #take(sample: Sample, batch: KeptBatch): Promise<void> {
    if (sample.wallMs < this.#options.startMs || sample.wallMs >= this.#options.endMs) return;
    if (!this.#known.includes(sample.track)) await this.#newTracks(sample, batch);
    const isLead = this.#cutter?.tracks[0] === sample.track;
    if (!this.#hasBegun && !(isLead && sample.key)) return;
    this.#hasBegun = true;
    this.#cutter?.push(sample);
  }

  async #newTracks({ track }: Sample, { tracks }: KeptBatch): Promise<void> {
    await this.#store(this.#cutter?.take(true) ?? []);
    await this.#endSegment();
    this.#run = undefined;
    this.#hasBegun = false;
    // Parameter sets may have changed again by the end of the batch.
    this.#known = tracks.includes(track) ? tracks : tracks.map((other) => (other.kind === track.kind ? track : other));
    const carried = carriedTracks(this.#known);
    this.#cutter = carried.lead && new FragmentCutter(carried.tracks);
  }

  async #store(cuts: readonly Cut[]): Promise<void> {
    for (const cut of cuts) {
      const run = this.#run;
      if (run?.line.observe(cut.startMs, cut.wallMs)) {
        await this.#endSegment();
        this.#run = undefined;
      }
      if (!this.#run && !cut.key) continue;
      this.#run ??= beginRun(cut, this.#cutter!.tracks, this.#options.startMs);
      const startMs = this.#run.line.at(cut.startMs);
      const { segmentMs } = this.#options;
      if (this.#writer && cut.key && startMs - this.#writer.startMs >= segmentMs) await this.#endSegment();
      if (this.#writer) await this.#writer.append([cut]);
      else this.#writer = await this.#begin(this.#run, cut);
    }
  }

  async #begin(run: Run, cut: Cut): Promise<SegmentWriter> {
    const { backends, streamId, signal } = this.#options;
    let failure: unknown;
    for (const backend of backends)
      try {
        return await SegmentWriter.begin({ backend, streamId, run, cuts: [cut], signal, buffers: this.#buffers });
      } catch (error) {
        failure = error;
      }
    throw failure;
  }

  /** R2: the file is on disk before its row is; then the gap is what is left of it. */
  async #endSegment(): Promise<void> {
    const writer = this.#writer;
    if (!writer) return;
    const { store, gaps, streamId } = this.#options;
    await writer.file.sync();
    await writer.file.close();
    this.#writer = undefined;
    writer.ended = true;
    const segment = writer.segment();
    await store.adopt({ segment, fragments: writer.fragments });
    await gaps.fill(streamId, segment.startMs, segment.endMs);
    this.#recordedMs += segment.endMs - segment.startMs;
  }
}
