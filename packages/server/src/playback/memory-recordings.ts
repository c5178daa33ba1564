import { concatBytes } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { codecString } from '@watchpost/media/container/fmp4/codec-string.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { FragmentEntry, RecordingQuery, Segment, StorageBackend } from '../catalog/types.ts';

/** A run to record. */
export interface MemoryRun {
  readonly streamId: string;
  readonly runId: string;
  readonly startMs: number;
  readonly tracks: readonly Track[];
  /** In order of decode time, from 0. */
  readonly samples: readonly Sample[];
  /** Milliseconds of one file; cut at key pictures. */
  readonly fileMs: number;
  /** Place of the first file in its run; default 0. */
  readonly firstSequence?: number;
  /** Sound from here on is behind the last picture, in a fragment of its own; ms from the beginning. */
  readonly restMs?: number;
  /** The last file still grows. */
  readonly growing?: boolean;
}

/** Recordings in memory, for tests of playback: both the index and the storage. Fragments go from key to key picture. */
export class MemoryRecordings implements RecordingQuery {
  readonly leases = new Map<string, number>();
  /** Ids of segments whose files were missed. */
  readonly missing = new Set<string>();
  readonly rows: Segment[] = [];
  readonly #files = new Map<string, Uint8Array>();
  readonly #fragments = new Map<string, FragmentEntry[]>();

  /** Reads only. */
  readonly backend: StorageBackend = {
    name: 'memory',
    create: () => Promise.reject(new Error('read only')),
    read: (key, start, end) => this.#read(key, start, end),
    remove: async () => {},
    truncate: async () => {},
    list: async function* () {},
    space: async () => ({ freeBytes: 0, totalBytes: 0, lacksInodes: false }),
  };

  /** Records a run; the segments that came of it. */
  record(run: MemoryRun): Segment[] {
    const groups = groupsOf(run);
    const added: Segment[] = [];
    let file: Sample[][] = [];
    for (const [index, group] of groups.entries()) {
      file.push(group);
      const isLast = index === groups.length - 1;
      const lengthMs = ticksMs(groups[index + 1]?.[0] ?? group.at(-1)!) - ticksMs(file[0]![0]!);
      if (lengthMs < run.fileMs && !isLast) continue;
      added.push(
        this.#write(run, file, { sequence: (run.firstSequence ?? 0) + added.length, closed: !(isLast && run.growing) }),
      );
      file = [];
    }
    return added;
  }

  /** Fills bytes of a file with zeros, as a disk does that lost them; without `start` the whole file is gone. */
  damage(key: string, start?: number, end?: number): void {
    if (start === undefined) this.#files.delete(key);
    else this.#files.get(key)!.fill(0, start, end);
  }

  async segments(streamId: string, startMs: number, endMs: number): Promise<readonly Segment[]> {
    const found = this.rows.filter((row) => row.streamId === streamId && row.endMs > startMs && row.startMs < endMs);
    return found.sort((a, b) => a.startMs - b.startMs);
  }

  async fragments(segmentId: string): Promise<readonly FragmentEntry[]> {
    return this.#fragments.get(segmentId) ?? [];
  }

  async segment(segmentId: string): Promise<Segment | undefined> {
    return this.rows.find((row) => row.id === segmentId);
  }

  async gaps(): Promise<readonly never[]> {
    return [];
  }

  async days(): Promise<readonly never[]> {
    return [];
  }

  async recordedStreams(): Promise<readonly never[]> {
    return [];
  }

  lease(segmentId: string): Disposable {
    this.leases.set(segmentId, (this.leases.get(segmentId) ?? 0) + 1);
    return { [Symbol.dispose]: () => this.leases.set(segmentId, this.leases.get(segmentId)! - 1) };
  }

  missed(segmentId: string): void {
    this.missing.add(segmentId);
  }

  #write(run: MemoryRun, groups: readonly Sample[][], place: { sequence: number; closed: boolean }): Segment {
    const id = `~${run.runId}-${place.sequence}`;
    const head = writeInitSegment(run.tracks);
    const parts = [head];
    const fragments: FragmentEntry[] = [];
    let offset = head.length;
    for (const samples of groups) {
      const runs = run.tracks.map((track) => runOf(track, samples)).filter((one) => one.samples.length > 0);
      const bytes = writeFragment(fragments.length + 1, runs);
      const lead = runs[0]!;
      const ownMs = ((lead.nextDts - lead.samples[0]!.dts) * 1000) / lead.track.clockRate;
      const startMs = run.startMs + ticksMs(lead.samples[0]!);
      const before = fragments.at(-1);
      const isRest = before !== undefined && lead.track !== run.tracks[0];
      if (isRest) fragments.splice(-1, 1, { ...before, durationMs: startMs + ownMs - before.startMs });
      const key = lead.samples[0]!.key && !isRest;
      fragments.push({ offset, bytes: bytes.length, startMs, durationMs: isRest ? 0 : ownMs, key });
      parts.push(bytes);
      offset += bytes.length;
    }
    this.#files.set(id, concatBytes(parts));
    this.#fragments.set(id, fragments);
    const last = fragments.findLast(({ durationMs }) => durationMs > 0)!;
    const segment: Segment = {
      ...{ id, key: id, streamId: run.streamId, runId: run.runId, sequence: place.sequence, backend: 'memory' },
      ...{ startMs: fragments[0]!.startMs, endMs: last.startMs + last.durationMs, bytes: offset },
      ...{ initBytes: head.length, codecs: codecString(run.tracks), locked: false, closed: place.closed },
      tracks: run.tracks.map(({ kind, codec }) => ({ kind, codec })),
    };
    this.rows.push(segment);
    return segment;
  }

  async *#read(key: string, start = 0, end?: number): AsyncIterable<Uint8Array> {
    const bytes = this.#files.get(key);
    if (bytes === undefined) throw new WatchpostError('gone', { kind: 'not_found', code: 'STORAGE_NOT_FOUND' });
    for (let at = start; at < Math.min(end ?? bytes.length, bytes.length); at += 65_536) {
      yield bytes.subarray(at, Math.min(at + 65_536, end ?? bytes.length));
    }
  }
}

function groupsOf({ samples, restMs }: MemoryRun): Sample[][] {
  const groups: Sample[][] = [];
  const rest = samples.find((sample) => restMs !== undefined && ticksMs(sample) >= restMs);
  for (const sample of samples) {
    const begins = sample === rest || (sample.track.kind === 'video' && sample.key);
    if (groups.length === 0 || begins) groups.push([]);
    groups.at(-1)!.push(sample);
  }
  return groups;
}

function runOf(track: Track, all: readonly Sample[]) {
  const samples = all.filter((sample) => sample.track.id === track.id);
  const last = samples.at(-1)?.dts ?? 0;
  const step = samples.length > 1 ? last - samples.at(-2)!.dts : track.clockRate / 25;
  return { track, samples, nextDts: last + step };
}

function ticksMs(sample: Sample): number {
  return (sample.dts * 1000) / sample.track.clockRate;
}
