import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { Database } from '../../catalog/database.ts';
import { KeyFileStore } from '../../catalog/key-file-store.ts';
import { SegmentStore } from '../../catalog/segment-store.ts';
import type { FragmentEntry, Segment, StorageBackend } from '../../catalog/types.ts';
import { spreadOf } from '../segment-times.ts';
import { KeyFileWriter } from './key-file-writer.ts';
import { PictureMemory } from './picture-memory.ts';
import { KeyPictureReader, type StoredPicture } from './read-key-pictures.ts';
import type { KeyPictureSettings } from './section.ts';

const dayMs = 86_400_000;
/** One file holds the key pictures of so long: one burst of reading, and few files. */
const stretchMs = 3_600_000;
/** Written at once. */
const batchBytes = 1024 * 1024;
const streamsAtOnce = 4;
/** Segments whose fragments are looked up with one query. */
const indexedAtOnce = 60;

/** What a keeper needs. */
export interface KeyPictureKeeperOptions {
  readonly database: Database;
  /** By name, in order of preference; they may change. */
  readonly backends: ReadonlyMap<string, StorageBackend>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: KeyPictureSettings;
}

/**
 * Key pictures that outlive their recordings (K1…K4): while a segment lives they are references into it and cost nothing;
 * before it goes, those of the hour around it are copied, as they are, into one file.
 */
export class KeyPictureKeeper {
  /** The rows of what is kept. */
  readonly files: KeyFileStore;
  readonly #options: KeyPictureKeeperOptions;
  readonly #store: SegmentStore;
  #settings: KeyPictureSettings;
  /** Until when each stream needs no looking. */
  readonly #covered = new Map<string, { readonly startMs: number; readonly endMs: number }>();
  /** Of whoever kept pictures last, for whoever is next. */
  #memory: PictureMemory | undefined;
  #keptPictures = 0;
  #keptBytes = 0;

  constructor(options: KeyPictureKeeperOptions) {
    this.#options = options;
    this.files = new KeyFileStore(options.database);
    this.#store = new SegmentStore(options.database);
    this.#settings = options.settings;
  }

  /** Pictures and bytes kept since the start. */
  get stats(): { readonly keptPictures: number; readonly keptBytes: number } {
    return { keptPictures: this.#keptPictures, keptBytes: this.#keptBytes };
  }

  /** Keeps as `settings` say from now on. */
  configure(settings: KeyPictureSettings): void {
    this.#settings = settings;
  }

  /** K1: called before segments are deleted, by age, bytes or free space; never fails. */
  async beforeRemoval(segments: readonly Segment[]): Promise<void> {
    const { enabled, retentionDays } = this.#settings;
    const { clock, backends } = this.#options;
    if (!enabled) return;
    const oldestMs = clock.wallMs() - retentionDays * dayMs;
    const streams = Map.groupBy(
      segments.filter(({ endMs, backend }) => endMs > oldestMs && backends.has(backend)),
      ({ streamId }) => streamId,
    ).values();
    // They take turns at the disk: each of them waits for it most of the time.
    const keep = async () => {
      for (const ofStream of streams) for (const segment of ofStream) await this.#keepBefore(segment);
    };
    await Promise.all(Array.from({ length: streamsAtOnce }, keep));
  }

  async #keepBefore(segment: Segment): Promise<void> {
    try {
      if (!(await this.#isCovered(segment))) await this.#keepAround(segment);
    } catch (error) {
      // Keeping single pictures must never cost new recordings their room.
      this.#options.logger.warn('key pictures were not kept', { streamId: segment.streamId, error: String(error) });
    }
  }

  /** Deletes all that is kept of a stream, with the pictures that were rendered of it. Rejects where a backend failed, after the others. */
  async removeStream(streamId: string): Promise<void> {
    const { backends } = this.#options;
    this.#covered.delete(streamId);
    const files = Map.groupBy(await this.files.ofStream(streamId), ({ backend }) => backend);
    for (const [name, kept] of files) if (!backends.has(name)) for (const { id } of kept) await this.files.drop(id);
    const removed = await Promise.allSettled(
      [...backends.values()].map((backend) => this.#removeFrom(backend, streamId, files.get(backend.name) ?? [])),
    );
    for (const part of removed) if (part.status === 'rejected') throw part.reason;
  }

  async #removeFrom(backend: StorageBackend, streamId: string, kept: readonly Segment[]): Promise<void> {
    for (const { id, key } of kept) {
      await backend.remove(key);
      await this.files.drop(id);
    }
    const rendered: string[] = [];
    for await (const { key } of backend.list(`${streamId}/keyframes/`)) rendered.push(key);
    for (const key of rendered) await backend.remove(key);
  }

  /** Deletes what is older than its days, and the oldest of what is too much; called now and then. Never fails. */
  async enforce(): Promise<void> {
    for (const backend of [...this.#options.backends.values()]) {
      try {
        await this.#enforce(backend);
      } catch (error) {
        const { name } = backend;
        this.#options.logger.debug('key pictures could not be looked after', { backend: name, error: String(error) });
      }
    }
  }

  async #enforce(backend: StorageBackend): Promise<void> {
    const { files } = this;
    const { retentionDays, maxBytes } = this.#settings;
    const expiredMs = this.#options.clock.wallMs() - retentionDays * dayMs;
    const { totalBytes } = await backend.space();
    const limit = 'bytes' in maxBytes ? maxBytes.bytes : (totalBytes * maxBytes.percent) / 100;
    let excess = (await files.bytes(backend.name)) - limit;
    for (;;) {
      const [oldest] = await files.oldest(backend.name, 1);
      if (oldest === undefined || (oldest.endMs > expiredMs && excess <= 0)) break;
      await backend.remove(oldest.key);
      await files.drop(oldest.id);
      excess -= oldest.bytes;
    }
  }

  async #isCovered({ streamId, startMs, endMs }: Segment): Promise<boolean> {
    const known = this.#covered.get(streamId);
    if (known !== undefined && known.startMs <= startMs && known.endMs >= endMs) return true;
    const files = await this.files.inRange(streamId, startMs, endMs);
    return files.some((file) => file.startMs <= startMs && file.endMs >= endMs);
  }

  /** Keeps the pictures of the segment and of those that follow it within its hour, as far as their disks are still named. */
  async #keepAround(first: Segment): Promise<void> {
    const { streamId } = first;
    // Streams have their hours at different times, so that not all are read at once.
    const shiftMs = spreadOf(streamId) % stretchMs;
    const untilMs = (Math.floor((first.startMs - shiftMs) / stretchMs) + 1) * stretchMs + shiftMs;
    const around = (await this.#store.inRange(streamId, first.startMs, untilMs)).filter(
      ({ closed, startMs, backend }) =>
        closed && startMs >= first.startMs && startMs < untilMs && this.#options.backends.has(backend),
    );
    const covered = { startMs: first.startMs, endMs: Math.max(first.endMs, around.at(-1)?.endMs ?? 0) };
    await this.#keep(streamId, around, covered);
    this.#covered.set(streamId, covered);
  }

  async #keep(streamId: string, segments: readonly Segment[], covered: { startMs: number; endMs: number }) {
    let writer: KeyFileWriter | undefined;
    let waiting: StoredPicture[] = [];
    let waitingBytes = 0;
    const memory = this.#memory ?? new PictureMemory();
    this.#memory = undefined;
    const write = async (nextMs: number) => {
      if (waiting.length > 0) await writer?.append(waiting, nextMs, memory.allocate);
      waiting = [];
      waitingBytes = 0;
    };
    const reader = new KeyPictureReader(memory.allocate);
    let dueMs = covered.startMs;
    try {
      let index: ReadonlyMap<string, FragmentEntry[]> = new Map();
      for (const [i, segment] of segments.entries()) {
        if (i % indexedAtOnce === 0) index = await this.#store.fragmentsOf(segments.slice(i, i + indexedAtOnce));
        const due = dueKeys(index.get(segment.id) ?? [], dueMs, this.#settings.intervalMs);
        const last = due.at(-1);
        if (last === undefined) continue;
        dueMs = last.startMs + this.#settings.intervalMs;
        for (const picture of await reader.read(this.#sourceOf(segment), segment, due)) {
          if (writer !== undefined && !writer.takes(picture)) {
            await write(picture.timeMs);
            await this.#finish(writer, { startMs: covered.startMs, endMs: picture.timeMs });
            writer = undefined;
            covered = { ...covered, startMs: picture.timeMs };
          }
          writer ??= new KeyFileWriter(this.#target(segment), streamId, picture);
          waiting.push(picture);
          waitingBytes += picture.byteLength;
        }
        if (waitingBytes < batchBytes) continue;
        await write(dueMs);
        memory.reuse();
      }
      await write(covered.endMs);
      if (writer !== undefined) await this.#finish(writer, covered);
      memory.reuse();
      this.#memory = memory;
    } catch (error) {
      await writer?.abandon();
      throw error;
    }
  }

  async #finish(writer: KeyFileWriter, covered: { startMs: number; endMs: number }): Promise<void> {
    const { file, fragments } = await writer.finish(covered);
    await this.files.insert(file, fragments);
    this.#keptPictures += fragments.length;
    this.#keptBytes += file.bytes;
  }

  #sourceOf(segment: Segment): StorageBackend {
    return this.#options.backends.get(segment.backend)!;
  }

  #target(segment: Segment): StorageBackend {
    const { backend = segment.backend } = this.#settings;
    return this.#options.backends.get(backend) ?? this.#sourceOf(segment);
  }
}

/** The fragments that begin with a key picture, from `dueMs` on, at least `intervalMs` apart. */
function dueKeys(fragments: readonly FragmentEntry[], dueMs: number, intervalMs: number): FragmentEntry[] {
  const due: FragmentEntry[] = [];
  let nextMs = dueMs;
  for (const fragment of fragments) {
    if (!fragment.key || fragment.startMs < nextMs) continue;
    due.push(fragment);
    nextMs = fragment.startMs + intervalMs;
  }
  return due;
}
