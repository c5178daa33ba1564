import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, stat, statfs } from 'node:fs/promises';
import { makeFolders } from './make-folders.ts';
import { toStorageError, volumeMissing } from './storage-error.ts';
import { VolumeLock } from './volume-lock.ts';

/** File at the root of each volume that says which volume it is. */
export const volumeFileName = '.watchpost-volume.json';

/** FUSE, NFS, SMB 1, SMB 2 and 3, Ceph, 9P: as statfs(2) numbers them. */
const remoteTypes: ReadonlySet<number> = new Set([0x65735546, 0x6969, 0xff534d42, 0xfe534d42, 0x00c36400, 0x01021997]);

/** Where the id of a backend's volume is remembered; the database is one. */
export interface VolumeRegistry {
  volumeId(backend: string): Promise<string | undefined>;
  remember(backend: string, volumeId: string, createdMs: number): Promise<void>;
}

/** What a volume is opened with. */
export interface VolumeOptions {
  readonly backend: string;
  /** Absolute. */
  readonly basePath: string;
  readonly registry: VolumeRegistry;
  readonly nowMs: () => number;
  /** Nothing is made, remembered or locked: the volume may be another server's. */
  readonly isReadOnly?: boolean | undefined;
}

/** A checked directory, held open: what is resolved below `root` is on that volume or nowhere. */
export interface OpenVolume extends AsyncDisposable {
  readonly id: string;
  /** Directory to put before `/KEY`. */
  readonly root: string;
  /** A program or another machine is behind it, which may hang for good. */
  readonly isRemote: boolean;
  /** What keeps other servers away from it. */
  readonly lock: VolumeLock;
  /** True while `basePath` still leads to this volume. */
  isMounted(): Promise<boolean>;
}

/**
 * Opens the volume at `basePath`. At first use, when neither the database nor the directory knows an id, one is made.
 * Throws `unavailable`: `STORAGE_VOLUME_MISSING` where the directory is not the volume that the database remembers,
 * `STORAGE_VOLUME_IN_USE` where another server has it.
 */
export async function openVolume(options: VolumeOptions): Promise<OpenVolume> {
  const { backend, basePath, registry, isReadOnly = false } = options;
  const expected = await registry.volumeId(backend);
  if (expected === undefined && isReadOnly) throw volumeMissing(backend, basePath, 'nothing was recorded to it');
  if (expected === undefined) await makeFolders(basePath).catch(rethrow(options));
  let directory: FileHandle;
  try {
    directory = await open(basePath, 'r');
  } catch (cause) {
    const isThere = (cause as { code?: string }).code !== 'ENOENT';
    if (isThere || expected === undefined) throw toStorageError(cause, backend, basePath);
    throw volumeMissing(backend, basePath, 'the folder is missing');
  }
  // Not the descriptor itself: that would ask the volume, here, where everything waits for the answer.
  const root = existsSync('/proc/self/fd') ? `/proc/self/fd/${directory.fd}` : basePath;
  const lock = new VolumeLock({ backend, basePath, root });
  try {
    const found = await readVolumeId(root);
    if (expected !== undefined && found !== expected) {
      throw volumeMissing(
        backend,
        basePath,
        found === undefined ? `no ${volumeFileName}` : 'another volume is mounted',
      );
    }
    if (!isReadOnly) lock.claim();
    const id = found ?? (await createVolumeFile(root, directory, options.nowMs()));
    if (expected === undefined) await registry.remember(backend, id, options.nowMs());
    const { type } = await statfs(root);
    return {
      ...{ id, root, lock },
      isRemote: remoteTypes.has(type),
      isMounted: () => isMounted(basePath, directory, id),
      [Symbol.asyncDispose]: () => {
        lock[Symbol.dispose]();
        return directory.close();
      },
    };
  } catch (error) {
    lock[Symbol.dispose]();
    await directory.close();
    throw toStorageError(error, backend, volumeFileName);
  }
}

function rethrow(options: VolumeOptions): (cause: unknown) => never {
  return (cause) => {
    throw toStorageError(cause, options.backend, options.basePath);
  };
}

async function isMounted(basePath: string, directory: FileHandle, id: string): Promise<boolean> {
  try {
    const [there, held] = await Promise.all([stat(basePath), directory.stat()]);
    if (there.dev !== held.dev || there.ino !== held.ino) return false;
    return (await readVolumeId(basePath)) === id;
  } catch {
    return false;
  }
}

async function readVolumeId(root: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(`${root}/${volumeFileName}`, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const parsed: unknown = JSON.parse(text);
    const id = (parsed as { volumeId?: unknown } | null)?.volumeId;
    return typeof id === 'string' && id !== '' ? id : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

async function createVolumeFile(root: string, directory: FileHandle, nowMs: number): Promise<string> {
  const volumeId = randomUUID();
  const file = await open(`${root}/${volumeFileName}`, 'wx');
  try {
    await file.writeFile(`${JSON.stringify({ volumeId, created: new Date(nowMs).toISOString() })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await directory.sync();
  return volumeId;
}
