import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { ClosedSegment, CommitBatch, SegmentProgress, SegmentStore } from '../catalog/segment-store.ts';
import type { Segment } from '../catalog/types.ts';
import { sidecarKey } from './segment-key.ts';
import type { SegmentWriter } from './segment-writer.ts';

/** Syncs at a time: more would only queue in the disk, and Node has four threads for all files. */
const maxSyncs = 3;
/** A failure that lasts is logged once in so long. */
const tellEveryMs = 60_000;

/** What a commit needs. */
export interface GroupCommitOptions {
  readonly store: SegmentStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly processId: number;
  /** Called once a segment is closed in the database, or given up. */
  readonly onClosed: (writer: SegmentWriter) => void;
}

interface Snapshot {
  readonly writer: SegmentWriter;
  readonly bytes: number;
  readonly endMs: number;
  readonly ended: boolean;
}

/** Makes what was written to one backend survive a power cut, and promises it: files, folders, rows (R2, R3). */
export class GroupCommit {
  /** How long the last round took, ms. */
  lastRoundMs = 0;
  /** Why the last round could not write to the catalogue. */
  failure: string | undefined;
  #toldMs = 0;
  readonly #options: GroupCommitOptions;
  #dirty = new Set<SegmentWriter>();
  #round: Promise<void> | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** The segment has something that is not promised yet. */
  add(writer: SegmentWriter): void {
    this.#dirty.add(writer);
  }

  /** One round; while one is under way that one. */
  round(): Promise<void> {
    this.#round ??= this.#run().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  #tellFailure(message: string): void {
    const { clock, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (message === this.failure && nowMs - this.#toldMs < tellEveryMs) return;
    this.failure = message;
    this.#toldMs = nowMs;
    logger.error('the catalogue cannot be written; recording goes on and is indexed later', { error: message });
  }

  /** Rounds until everything is promised, or a round changes nothing. */
  async drain(): Promise<void> {
    await this.#round;
    for (let i = 0; i < 5 && this.#dirty.size > 0; i++) await this.round();
  }

  async #run(): Promise<void> {
    const { clock, store, processId, logger } = this.#options;
    const beganMs = clock.monotonicMs();
    const snapshots = [...this.#dirty].map((writer) => ({
      writer,
      bytes: writer.bytes,
      endMs: writer.endMs,
      ended: writer.ended,
    }));
    this.#dirty = new Set();
    await this.#sync(snapshots);
    try {
      await store.commit(toBatch(snapshots), { processId, nowMs: Math.round(clock.wallMs()) });
    } catch (error) {
      for (const { writer } of snapshots) this.#dirty.add(writer);
      this.#tellFailure(toWatchpostError(error).message);
      return;
    }
    if (this.failure !== undefined) logger.info('the catalogue is written again');
    this.failure = undefined;
    for (const snapshot of snapshots) await this.#settle(snapshot);
    this.lastRoundMs = clock.monotonicMs() - beganMs;
  }

  async #sync(snapshots: readonly Snapshot[]): Promise<void> {
    let next = 0;
    const lane = async () => {
      for (;;) {
        const snapshot = snapshots[next++];
        if (snapshot === undefined) return;
        const { writer } = snapshot;
        if (writer.failed !== undefined || snapshot.bytes === writer.promisedBytes) continue;
        try {
          await writer.file.sync();
        } catch (error) {
          writer.failed = toWatchpostError(error, 'STORAGE_IO');
        }
      }
    };
    await Promise.all(Array.from({ length: maxSyncs }, lane));
  }

  async #settle({ writer, bytes, endMs, ended }: Snapshot): Promise<void> {
    if (writer.failed === undefined) {
      writer.promisedBytes = bytes;
      writer.promisedEndMs = endMs;
      writer.hasRow = true;
    }
    if (!ended) {
      // A failed one is closed in the next round, once its recorder has let go of it.
      if (writer.failed !== undefined || writer.ended) this.#dirty.add(writer);
      return;
    }
    await writer.file.close().catch(() => {});
    if (writer.promisedBytes === 0) await writer.backend.remove(writer.key).catch(() => {});
    else await this.#writeSidecar(writer);
    this.#options.onClosed(writer);
  }

  async #writeSidecar(writer: SegmentWriter): Promise<void> {
    try {
      const file = await writer.backend.create(sidecarKey(writer.key), new AbortController().signal);
      const text = sidecarText(writer.segment(true), writer.fragmentsWithin(writer.promisedBytes));
      await file.append(new TextEncoder().encode(text)).finally(() => file.close());
    } catch (error) {
      this.#options.logger.debug('a description beside a recording was not written', {
        key: writer.key,
        error: String(error),
      });
    }
  }
}

function toBatch(snapshots: readonly Snapshot[]): CommitBatch {
  const created: Segment[] = [];
  const moved: SegmentProgress[] = [];
  const closed: ClosedSegment[] = [];
  for (const { writer, bytes, endMs, ended } of snapshots) {
    const reached =
      writer.failed === undefined ? { bytes, endMs } : { bytes: writer.promisedBytes, endMs: writer.promisedEndMs };
    if (reached.bytes === 0) continue;
    const segment: Segment = { ...writer.segment(), ...reached, closed: ended };
    if (ended) closed.push({ segment, fragments: writer.fragmentsWithin(reached.bytes) });
    else if (!writer.hasRow) created.push(segment);
    else moved.push({ id: segment.id, ...reached });
  }
  return { created, moved, closed };
}

/** What lies beside a closed segment, for people and other programs. */
function sidecarText(segment: Segment, fragments: ReturnType<SegmentWriter['fragmentsWithin']>): string {
  const { id, streamId, runId, sequence, startMs, endMs, bytes, initBytes, codecs, tracks } = segment;
  const description = {
    id,
    stream: streamId,
    run: runId,
    sequence,
    start: new Date(startMs).toISOString(),
    end: new Date(endMs).toISOString(),
    bytes,
    init_bytes: initBytes,
    codecs,
    tracks,
    fragment_fields: ['offset', 'bytes', 'start_ms', 'duration_ms', 'key'],
    fragments: fragments.map((one) => [one.offset, one.bytes, one.startMs, one.durationMs, one.key ? 1 : 0]),
  };
  return `${JSON.stringify(description)}\n`;
}
