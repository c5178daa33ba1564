import { constants, open as openCallback } from 'node:fs';
import { access, type FileHandle, mkdir, open, readdir, rmdir, stat, statfs, truncate, unlink } from 'node:fs/promises';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { SegmentFile, StorageBackend, StorageSpace } from '../../catalog/types.ts';
import { LocalFile, syncDirectory } from './local-file.ts';
import { makeFolders } from './make-folders.ts';
import { readRangesOf } from './read-ranges.ts';
import { spaceOf } from './space.ts';
import { toStorageError, volumeMissing, volumeSilent } from './storage-error.ts';
import { type OpenVolume, openVolume, type VolumeRegistry, volumeFileName } from './volume.ts';
import { volumeLockName } from './volume-lock.ts';
import { VolumeTurns } from './volume-turns.ts';

const readChunkBytes = 256 * 1024;
const maxSyncedFolders = 10_000;
/** A start waits no longer for a volume that hangs. */
const openPatienceMs = 5000;
const notRecordings: ReadonlySet<string> = new Set([volumeFileName, volumeLockName, 'lost+found']);
/** An empty folder that is made and removed where a disk may not take what is new. */
const probeName = '.watchpost-write-test';
const refusals: ReadonlySet<string> = new Set(['STORAGE_READ_ONLY', 'STORAGE_IO', 'STORAGE_FORBIDDEN']);
const unlocked = 'a storage volume cannot be locked — see to it that no other Watchpost has the same base_path';

/** What a local backend is opened with. */
export interface LocalStorageOptions {
  readonly name: string;
  /** Absolute. */
  readonly basePath: string;
  readonly registry: VolumeRegistry;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How often the mount is checked. Default 2000 ms. */
  readonly checkEveryMs?: number;
  /** For whoever only reads, beside the server that records: nothing is made or locked. */
  readonly isReadOnly?: boolean;
}

/**
 * Storage on a directory of this machine, which is on a disk of its own or not. While its volume is missing, or another
 * server's, every call rejects with `unavailable` (`STORAGE_VOLUME_MISSING`, `STORAGE_VOLUME_IN_USE`), and nothing is
 * written; it is looked for every few seconds. While it hangs, what reads rejects with `STORAGE_SILENT`, writes wait.
 */
export class LocalStorage implements StorageBackend, AsyncDisposable {
  readonly name: string;
  readonly #options: LocalStorageOptions;
  readonly #turns: VolumeTurns;
  #volume: OpenVolume | undefined;
  /** Until it is known. */
  #isRemote = true;
  #missing: WatchpostError;
  #cancelCheck: (() => void) | undefined;
  #checking: Promise<void> = Promise.resolve();
  #closed = false;
  /** A file could not be made, and nothing since shows that one can. */
  #isRefused = false;
  /** Folders whose names are known to survive a power cut. */
  readonly #syncedFolders = new Set<string>();
  readonly #uses = new WeakMap<OpenVolume, Set<Promise<void>>>();

  private constructor(options: LocalStorageOptions) {
    this.name = options.name;
    this.#options = options;
    const { name: backend, basePath, clock } = options;
    this.#turns = new VolumeTurns({ backend, basePath, clock });
    this.#missing = volumeSilent(backend, basePath);
  }

  /** Opens the backend. A volume that is missing, or does not answer, is no error here: it is waited for. */
  static async open(options: LocalStorageOptions): Promise<LocalStorage> {
    const storage = new LocalStorage(options);
    const { name, basePath, clock, logger } = options;
    const checked = storage.check().then(() => storage.#schedule());
    await new Promise<void>((resolve) => {
      const cancel = clock.after(openPatienceMs, () => {
        logger.error(storage.#missing.message, { backend: name, path: basePath });
        resolve();
      });
      void checked.finally(() => {
        cancel();
        resolve();
      });
    });
    return storage;
  }

  /** How long the oldest of what it was asked has been without an answer, ms; 0 for disks of this machine, which do answer. */
  get heldMs(): number {
    return this.#isRemote ? this.#turns.heldMs : 0;
  }

  /** Looks now whether the volume is there. */
  check(): Promise<void> {
    this.#checking = this.#checking.then(() => this.#turns.watch(() => this.#check()));
    return this.#checking;
  }

  async create(key: string, signal: AbortSignal): Promise<SegmentFile> {
    const parts = checkedKey(key);
    signal.throwIfAborted();
    const folders = parts.slice(0, -1);
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
    if (this.#turns.silence) throw this.#turns.silence;
    const fd = await this.#change(key, (root) =>
      openFile(`${root}/${key}`, flags).catch(async (error: { code?: string }) => {
        if (error.code !== 'ENOENT') throw error;
        await makeFolders(`${root}/${folders.join('/')}`);
        return openFile(`${root}/${key}`, flags);
      }),
    ).catch((error: WatchpostError) => {
      if (refusals.has(error.code)) this.#isRefused = true;
      throw error;
    });
    return new LocalFile({
      fd,
      backend: this.name,
      key,
      turns: this.#turns,
      check: () => this.#root(),
      syncFolders: () => this.#change(key, (root) => this.#syncFolders(root, folders)),
    });
  }

  async *read(key: string, start = 0, end = Number.POSITIVE_INFINITY): AsyncIterable<Uint8Array> {
    checkedKey(key);
    const file = await this.#turns.read(
      () => this.#within(key, (root) => this.#openThere(`${root}/${key}`)),
      (late) => void late.close().catch(() => {}),
    );
    try {
      for (let at = start; at < end; ) {
        const buffer = new Uint8Array(Math.min(readChunkBytes, end - at));
        const { bytesRead } = await this.#turns.read(() => file.read(buffer, 0, buffer.length, at));
        if (bytesRead === 0) return;
        at += bytesRead;
        yield bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
      }
    } catch (error) {
      throw toStorageError(error, this.name, key);
    } finally {
      // It waits for a read that was given up.
      void file.close().catch(() => {});
    }
  }

  async readRanges(
    key: string,
    ranges: readonly (readonly [number, number])[],
    allocate?: (bytes: number) => Uint8Array,
  ): Promise<Uint8Array[]> {
    checkedKey(key);
    return this.#turns.read(() => this.#within(key, (root) => readRangesOf(`${root}/${key}`, ranges, allocate)));
  }

  async remove(key: string): Promise<void> {
    const parts = checkedKey(key);
    const folders = parts.slice(0, -1);
    await this.#change(key, async (root) => {
      try {
        await unlink(`${root}/${key}`);
        await syncDirectory(`${root}/${folders.join('/')}`);
      } catch (error) {
        if ((error as { code?: string }).code !== 'ENOENT') throw error;
      }
      await this.#removeEmptyFolders(root, folders);
    });
  }

  async truncate(key: string, bytes: number): Promise<void> {
    checkedKey(key);
    await this.#change(key, async (root) => {
      await truncate(`${root}/${key}`, bytes);
      await using file = await open(`${root}/${key}`, 'r');
      await file.sync();
    });
  }

  async *list(prefix: string): AsyncIterable<{ key: string; bytes: number }> {
    if (prefix !== '') checkedKey(prefix.replace(/\/$/, ''));
    const slash = prefix.lastIndexOf('/');
    yield* this.#walk(this.#root(), prefix.slice(0, Math.max(slash, 0)), prefix);
  }

  async names(folder: string): Promise<readonly string[]> {
    checkedKey(folder);
    return this.#turns.read(() =>
      this.#within(folder, async (root) => {
        const entries = await readdir(`${root}/${folder}`, { withFileTypes: true }).catch(
          (error: { code?: string }) => {
            if (error.code === 'ENOENT') return [];
            throw error;
          },
        );
        return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
      }),
    );
  }

  async space(): Promise<StorageSpace> {
    return spaceOf(await this.#turns.read(() => this.#within('', (root) => statfs(root))));
  }

  async checkWritable(): Promise<void> {
    await this.#turns.read(() => this.#within(this.#options.basePath, (root) => this.#tryToWrite(root)));
  }

  async #tryToWrite(root: string): Promise<void> {
    await access(root, constants.W_OK);
    if (!this.#isRefused) return;
    // ext4 that found itself damaged refuses what is new, and access(2) does not know it.
    await mkdir(`${root}/${probeName}`).catch((error: { code?: string }) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await rmdir(`${root}/${probeName}`);
    this.#isRefused = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancelCheck?.();
    await this.#checking;
    const volume = this.#volume;
    this.#volume = undefined;
    if (volume !== undefined) await this.#release(volume);
  }

  /** Opens a file to read it. One that is not found is not there only if the volume still is. */
  async #openThere(path: string): Promise<FileHandle> {
    const volume = this.#volume!;
    try {
      return await open(path, 'r');
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT' || (await volume.isMounted())) throw error;
      throw volumeMissing(this.name, this.#options.basePath, 'it was unmounted');
    }
  }

  /** As `#within`, in its turn among those that write. */
  #change<T>(key: string, work: (root: string) => Promise<T>): Promise<T> {
    return this.#turns.write(() => this.#within(key, work));
  }

  /** Runs `work` below the volume's root, which stays open until it is done: its descriptor cannot come to mean another directory. */
  async #within<T>(key: string, work: (root: string) => Promise<T>): Promise<T> {
    const root = this.#root();
    const volume = this.#volume!;
    const done = Promise.withResolvers<void>();
    const uses = this.#uses.get(volume) ?? new Set();
    this.#uses.set(volume, uses.add(done.promise));
    try {
      return await work(root);
    } catch (error) {
      throw toStorageError(error, this.name, key);
    } finally {
      uses.delete(done.promise);
      done.resolve();
    }
  }

  /** Syncs the file's directory, and those above it that this process has not synced yet: any of them may be new. */
  async #syncFolders(root: string, parts: readonly string[]): Promise<void> {
    for (let depth = parts.length; depth >= 0; depth--) {
      const folder = parts.slice(0, depth).join('/');
      if (depth < parts.length && this.#syncedFolders.has(parts.slice(0, depth + 1).join('/'))) return;
      await syncDirectory(depth === 0 ? root : `${root}/${folder}`);
    }
    if (this.#syncedFolders.size > maxSyncedFolders) this.#syncedFolders.clear();
    for (let depth = parts.length; depth > 0; depth--) this.#syncedFolders.add(parts.slice(0, depth).join('/'));
  }

  async #removeEmptyFolders(root: string, parts: readonly string[]): Promise<void> {
    for (let depth = parts.length; depth > 0; depth--) {
      const folder = parts.slice(0, depth).join('/');
      try {
        await rmdir(`${root}/${folder}`);
        this.#syncedFolders.delete(folder);
      } catch {
        return;
      }
    }
  }

  async #release(volume: OpenVolume): Promise<void> {
    await Promise.all(this.#uses.get(volume) ?? []);
    await volume[Symbol.asyncDispose]();
  }

  #root(): string {
    if (this.#volume === undefined) throw this.#missing;
    return this.#volume.root;
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#cancelCheck = this.#options.clock.after(this.#options.checkEveryMs ?? 2000, () => {
      void this.check().then(() => this.#schedule());
    });
  }

  async #check(): Promise<void> {
    const { name, basePath, registry, clock, logger, isReadOnly } = this.#options;
    if (this.#closed) return;
    if (this.#volume !== undefined) {
      const why = await this.#lossOf(this.#volume);
      if (why === undefined) return;
      const gone = this.#volume;
      this.#volume = undefined;
      this.#syncedFolders.clear();
      this.#missing = why;
      logger.error('a storage volume is gone', { backend: name, path: basePath, error: why.message });
      // Files that are open go on to hold it; this handle must not, or it could never be unmounted.
      void this.#release(gone);
    }
    try {
      this.#volume = await openVolume({ backend: name, basePath, registry, isReadOnly, nowMs: () => clock.wallMs() });
      this.#isRemote = this.#volume.isRemote;
      logger.info('a storage volume is there', { backend: name, path: basePath, volumeId: this.#volume.id });
      const { failure } = this.#volume.lock;
      if (failure !== undefined) logger.warn(unlocked, { backend: name, path: basePath, error: failure });
    } catch (error) {
      const why = toStorageError(error, name, '');
      if (why.message !== this.#missing.message) logger.error(why.message, { backend: name, path: basePath });
      this.#missing = why;
    }
  }

  /** Why the volume may be used no longer; undefined while it may. */
  async #lossOf(volume: OpenVolume): Promise<WatchpostError | undefined> {
    const { name, basePath } = this.#options;
    if (!(await volume.isMounted())) return volumeMissing(name, basePath, 'it was unmounted');
    try {
      if (volume.lock.failure !== undefined) volume.lock.claim();
      return undefined;
    } catch (error) {
      return toStorageError(error, name, '');
    }
  }

  async *#walk(root: string, folder: string, prefix: string): AsyncIterable<{ key: string; bytes: number }> {
    let entries: { name: string; isDirectory(): boolean; isFile(): boolean }[];
    try {
      entries = await readdir(`${root}/${folder}`, { withFileTypes: true });
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return;
      throw toStorageError(error, this.name, folder);
    }
    // A folder sorts as its keys do, which have a slash behind its name.
    const order = (entry: (typeof entries)[number]) => (entry.isDirectory() ? `${entry.name}/` : entry.name);
    entries.sort((a, b) => (order(a) < order(b) ? -1 : 1));
    for (const entry of entries) {
      if (notRecordings.has(entry.name)) continue;
      const key = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (!key.startsWith(prefix) && !prefix.startsWith(`${key}/`)) continue;
      if (entry.isDirectory()) yield* this.#walk(root, key, prefix);
      else if (entry.isFile()) {
        const facts = await stat(`${root}/${key}`).catch(() => undefined);
        if (facts) yield { key, bytes: facts.size };
      }
    }
  }
}

/** Parts of a key: names of letters, digits and `._-+~`, none of them `.` or `..`, so that no key leads out of the volume. */
function checkedKey(key: string): string[] {
  const parts = key.split('/');
  const fine = key.length <= 1024 && parts.every((part) => /^[A-Za-z0-9_~+-][A-Za-z0-9._~+-]{0,254}$/.test(part));
  if (fine) return parts;
  throw new WatchpostError(
    `"${key}" is no storage key — use names of letters, digits, ".", "_" and "-" with "/" between`,
    {
      kind: 'invalid_argument',
      code: 'STORAGE_KEY_INVALID',
      context: { key },
    },
  );
}

function openFile(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    openCallback(path, flags, 0o640, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}
