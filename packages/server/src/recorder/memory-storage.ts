import { concatBytes } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SegmentFile, StorageBackend, StorageSpace } from '../catalog/types.ts';

/** A disk in memory for tests, with what can be wrong with one. */
export class MemoryStorage implements StorageBackend {
  readonly name: string;
  readonly files = new Map<string, { bytes: Uint8Array; synced: number }>();
  totalBytes: number;
  /** Bytes that others take. */
  otherBytes = 0;
  /** Files that there can be, sidecars included. */
  maxFiles = Number.POSITIVE_INFINITY;
  /** Every call fails with it. */
  failure: WatchpostError | undefined;
  /** What needs writing fails with it. */
  readOnly: WatchpostError | undefined;
  /** What was written is taken, and its sync fails with it. */
  syncFailure: WatchpostError | undefined;
  /** Appends wait for it. */
  hang: Promise<void> | undefined;
  syncs = 0;

  constructor(name = 'memory', totalBytes = 1e12) {
    this.name = name;
    this.totalBytes = totalBytes;
  }

  async create(key: string, signal: AbortSignal): Promise<SegmentFile> {
    this.#check(key);
    await this.checkWritable();
    signal.throwIfAborted();
    if (this.files.has(key)) throw fault('conflict', 'STORAGE_EXISTS');
    if (this.files.size >= this.maxFiles) throw fault('resource_exhausted', 'STORAGE_FULL');
    const entry = { bytes: new Uint8Array(0), synced: 0 };
    this.files.set(key, entry);
    return {
      append: async (...parts) => {
        const bytes = concatBytes(parts);
        await this.hang;
        this.#check(key);
        await this.checkWritable();
        if (bytes.length > this.#freeBytes()) throw fault('resource_exhausted', 'STORAGE_FULL');
        const joined = new Uint8Array(entry.bytes.length + bytes.length);
        joined.set(entry.bytes);
        joined.set(bytes, entry.bytes.length);
        entry.bytes = joined;
      },
      sync: async () => {
        this.#check(key);
        if (this.syncFailure) throw this.syncFailure;
        this.syncs++;
        entry.synced = entry.bytes.length;
      },
      close: async () => {},
    };
  }

  async *read(key: string, start = 0, end = Number.POSITIVE_INFINITY): AsyncIterable<Uint8Array> {
    const { bytes } = this.#entry(key);
    if (start < Math.min(end, bytes.length)) yield bytes.slice(start, Math.min(end, bytes.length));
  }

  async readRanges(
    key: string,
    ranges: readonly (readonly [number, number])[],
    allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
  ): Promise<Uint8Array[]> {
    const { bytes } = this.#entry(key);
    return ranges.map(([start, end]) => {
      const part = bytes.subarray(start, end);
      const found = allocate(part.length);
      found.set(part);
      return found;
    });
  }

  async remove(key: string): Promise<void> {
    this.#check(key);
    this.files.delete(key);
  }

  async truncate(key: string, bytes: number): Promise<void> {
    const entry = this.#entry(key);
    entry.bytes = entry.bytes.slice(0, bytes);
  }

  async *list(prefix: string): AsyncIterable<{ key: string; bytes: number }> {
    if (prefix !== '') this.#check(prefix.replace(/\/$/, ''));
    else if (this.failure) throw this.failure;
    for (const key of [...this.files.keys()].sort()) {
      if (key.startsWith(prefix)) yield { key, bytes: this.#entry(key).bytes.length };
    }
  }

  async names(folder: string): Promise<string[]> {
    this.#check(folder);
    const inside = [...this.files.keys()].filter((key) => key.startsWith(`${folder}/`));
    return inside.map((key) => key.slice(folder.length + 1)).filter((name) => !name.includes('/'));
  }

  async space(): Promise<StorageSpace> {
    if (this.failure) throw this.failure;
    const lacksInodes = this.files.size >= this.maxFiles;
    return { freeBytes: this.#freeBytes(), totalBytes: this.totalBytes, lacksInodes };
  }

  async checkWritable(): Promise<void> {
    if (this.readOnly) throw this.readOnly;
  }

  #freeBytes(): number {
    let used = this.otherBytes;
    for (const { bytes } of this.files.values()) used += bytes.length;
    return Math.max(0, this.totalBytes - used);
  }

  #entry(key: string): { bytes: Uint8Array; synced: number } {
    this.#check(key);
    const entry = this.files.get(key);
    if (entry === undefined) throw fault('not_found', 'STORAGE_NOT_FOUND');
    return entry;
  }

  #check(key: string): void {
    if (this.failure) throw this.failure;
    const fine = key.length < 1024 && key.split('/').every((part) => /^[A-Za-z0-9_~+-][A-Za-z0-9._~+-]*$/.test(part));
    if (!fine) throw fault('invalid_argument', 'STORAGE_KEY_INVALID');
  }
}

/** An error of a storage, for tests. */
export function fault(kind: WatchpostError['kind'], code: string): WatchpostError {
  return new WatchpostError(`test: ${code}`, { kind, code });
}
