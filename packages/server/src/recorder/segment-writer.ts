import { WatchpostError } from '@watchpost/base/errors.ts';
import { codecString } from '@watchpost/media/container/fmp4/codec-string.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { writeIdentityBox } from '@watchpost/media/container/fmp4/identity-box.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { FragmentEntry, Segment, SegmentFile, SegmentTrack, StorageBackend } from '../catalog/types.ts';
import { describeTracks } from './carried-tracks.ts';
import type { FragmentBuffers } from './fragment-buffers.ts';
import type { Cut } from './fragment-cutter.ts';
import { segmentKey } from './segment-key.ts';
import type { WallLine } from './wall-line.ts';

const maxNameAttempts = 1000;

/** A chain of segments without a hole, with the same tracks. */
export interface Run {
  readonly id: string;
  readonly tracks: readonly Track[];
  readonly line: WallLine;
  /** Number of the next segment. */
  sequence: number;
}

/** What a segment is begun with. */
export interface SegmentStart {
  readonly backend: StorageBackend;
  readonly streamId: string;
  readonly run: Run;
  /** At least one; what the file begins with. */
  readonly cuts: readonly Cut[];
  readonly signal: AbortSignal;
  readonly buffers: FragmentBuffers;
}

/** A segment that grows: its file, its fragments, and how much of it has been promised by its row. */
export class SegmentWriter {
  readonly id: string;
  readonly streamId: string;
  readonly backend: StorageBackend;
  readonly startMs: number;
  readonly file: SegmentFile;
  readonly key: string;
  /** Set by the commit: the row exists. */
  hasRow = false;
  /** No more comes; the next commit closes it. */
  ended = false;
  /** Since when its backend is not to be written to any more, ms since 1970; set by the pool. */
  leftMs: number | undefined;
  /** Set by the commit when a sync failed: only what is promised counts. */
  failed: WatchpostError | undefined;
  /** What the row promises. */
  promisedBytes = 0;
  promisedEndMs: number;
  readonly #buffers: FragmentBuffers;
  readonly #run: Run;
  readonly #sequence: number;
  readonly #initBytes: number;
  readonly #codecs: string;
  readonly #tracks: readonly SegmentTrack[];
  readonly #fragments: FragmentEntry[] = [];
  #bytes = 0;
  #endMs: number;

  private constructor(
    start: SegmentStart,
    place: { file: SegmentFile; key: string; startMs: number; initBytes: number },
  ) {
    const { run } = start;
    this.#run = run;
    this.#buffers = start.buffers;
    this.#sequence = run.sequence;
    this.#initBytes = place.initBytes;
    this.id = segmentId(run.id, run.sequence);
    this.streamId = start.streamId;
    this.backend = start.backend;
    this.file = place.file;
    this.key = place.key;
    this.startMs = place.startMs;
    this.#endMs = this.promisedEndMs = place.startMs;
    this.#codecs = codecString(run.tracks);
    this.#tracks = describeTracks(run.tracks);
  }

  /** Makes the file and writes its head and first fragments in one append. Leaves no file behind when it fails. */
  static async begin(start: SegmentStart): Promise<SegmentWriter> {
    const { backend, run, cuts, streamId } = start;
    const first = cuts[0]!;
    const startMs = run.line.at(first.startMs);
    const identity = writeIdentityBox({
      volumeId: backend.name,
      streamId,
      runId: run.id,
      sequence: run.sequence,
      wallMs: startMs,
      firstDts: run.tracks.map((track) => {
        const own = first.runs.find((one) => one.track === track)?.samples[0];
        return own?.dts ?? Math.round((first.startMs * track.clockRate) / 1000);
      }),
    });
    const init = writeInitSegment(run.tracks, { identity });
    const { file, key } = await createFile(start, startMs);
    const writer = new SegmentWriter(start, { file, key, startMs, initBytes: init.length });
    try {
      await writer.#append(cuts, init);
    } catch (error) {
      await file.close().catch(() => {});
      await backend.remove(key).catch(() => {});
      throw error;
    }
    run.sequence++;
    return writer;
  }

  /** End of what is written, ms since 1970 UTC. */
  get endMs(): number {
    return this.#endMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get fragments(): readonly FragmentEntry[] {
    return this.#fragments;
  }

  /** Writes fragments at the end, with one call; when it rejects the segment is as it was. */
  append(cuts: readonly Cut[]): Promise<void> {
    return this.#append(cuts);
  }

  /** As a row; `promised`: only what has been committed. */
  segment(promised = false): Segment {
    return {
      id: this.id,
      streamId: this.streamId,
      runId: this.#run.id,
      sequence: this.#sequence,
      backend: this.backend.name,
      key: this.key,
      startMs: this.startMs,
      endMs: promised ? this.promisedEndMs : this.#endMs,
      bytes: promised ? this.promisedBytes : this.#bytes,
      initBytes: this.#initBytes,
      codecs: this.#codecs,
      tracks: this.#tracks,
      locked: false,
      closed: this.ended,
    };
  }

  /** The fragments that a row with so many bytes promises. */
  fragmentsWithin(bytes: number): FragmentEntry[] {
    return this.#fragments.filter((fragment) => fragment.offset + fragment.bytes <= bytes);
  }

  async #append(cuts: readonly Cut[], head?: Uint8Array): Promise<void> {
    const parts: Uint8Array[] = [];
    const entries: FragmentEntry[] = [];
    let end = this.#bytes + (head?.length ?? 0);
    for (const cut of cuts) {
      const sequence = this.#fragments.length + entries.length + 1;
      const bytes = writeFragment(sequence, cut.runs, (size) => this.#buffers.take(size));
      parts.push(bytes);
      entries.push(this.#entry(cut, end, bytes.length));
      end += bytes.length;
    }
    // A file that failed may still hold on to them: then they are left to the collector.
    await (head === undefined ? this.file.append(...parts) : this.file.append(head, ...parts));
    for (const part of parts) this.#buffers.give(part);
    this.#bytes = end;
    for (const [i, entry] of entries.entries()) this.#add(entry, cuts[i]!.isRest);
  }

  #entry(cut: Cut, offset: number, bytes: number): FragmentEntry {
    const { line } = this.#run;
    const startMs = line.at(cut.startMs);
    return { offset, bytes, startMs, durationMs: Math.max(0, line.at(cut.endMs) - startMs), key: cut.key };
  }

  #add(entry: FragmentEntry, isRest: boolean): void {
    addFragment(this.#fragments, entry, isRest);
    this.#endMs = Math.max(this.#endMs, entry.startMs + entry.durationMs);
  }
}

/**
 * Adds a fragment to those of its file. One lasts until the next one begins, whatever its last sample was thought to last;
 * before `isRest`, sound that no picture follows, it lasts until that ends.
 */
export function addFragment(fragments: FragmentEntry[], entry: FragmentEntry, isRest: boolean): void {
  const at = isRest ? fragments.findLastIndex(({ durationMs }) => durationMs > 0) : fragments.length - 1;
  const before = fragments[at];
  if (before !== undefined) {
    const restMs = entry.startMs + entry.durationMs - before.startMs;
    const stepMs = entry.startMs - before.startMs;
    const durationMs = isRest ? Math.max(before.durationMs, restMs) : stepMs > 0 ? stepMs : before.durationMs;
    fragments[at] = { ...before, durationMs };
  }
  fragments.push(isRest ? { ...entry, durationMs: 0 } : entry);
}

/** Id of a segment; the same again when the index is rebuilt from the file. */
export function segmentId(runId: string, sequence: number): string {
  return `~${runId}-${sequence}`;
}

async function createFile(start: SegmentStart, startMs: number): Promise<{ file: SegmentFile; key: string }> {
  for (let attempt = 1; attempt <= maxNameAttempts; attempt++) {
    const key = segmentKey(start.streamId, startMs, attempt);
    try {
      return { file: await start.backend.create(key, start.signal), key };
    } catch (error) {
      if (!(error instanceof WatchpostError) || error.kind !== 'conflict') throw error;
    }
  }
  throw new WatchpostError(
    `${maxNameAttempts} recordings of "${start.streamId}" begin in the same second — is the clock standing still?`,
    {
      kind: 'conflict',
      code: 'RECORDING_NAME_TAKEN',
      context: { streamId: start.streamId },
    },
  );
}
