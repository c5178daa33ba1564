import { type ErrorKind, WatchpostError } from '@watchpost/base/errors.ts';

interface Meaning {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly tell: string;
}

const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: { kind: 'resource_exhausted', code: 'STORAGE_FULL', tell: 'the disk is full' },
  EDQUOT: { kind: 'resource_exhausted', code: 'STORAGE_FULL', tell: 'the quota is used up' },
  EFBIG: { kind: 'resource_exhausted', code: 'STORAGE_FULL', tell: 'the file is too large for this file system' },
  EIO: {
    kind: 'unavailable',
    code: 'STORAGE_IO',
    tell: 'the disk reports an error; look at its health (smartctl, dmesg)',
  },
  EROFS: {
    kind: 'unavailable',
    code: 'STORAGE_READ_ONLY',
    tell: 'the file system is read-only; look at dmesg: if it is damaged, repair it (fsck), then mount it for writing (mount -o remount,rw)',
  },
  EACCES: {
    kind: 'forbidden',
    code: 'STORAGE_FORBIDDEN',
    tell: 'the permission is missing; give the folder to the user that Watchpost runs as',
  },
  EPERM: {
    kind: 'forbidden',
    code: 'STORAGE_FORBIDDEN',
    tell: 'the permission is missing; give the folder to the user that Watchpost runs as',
  },
  EMFILE: {
    kind: 'resource_exhausted',
    code: 'STORAGE_TOO_MANY_FILES',
    tell: 'too many files are open; raise the limit (ulimit -n)',
  },
  ENFILE: {
    kind: 'resource_exhausted',
    code: 'STORAGE_TOO_MANY_FILES',
    tell: 'too many files are open on this machine',
  },
  ENOENT: { kind: 'not_found', code: 'STORAGE_NOT_FOUND', tell: 'there is no such recording' },
  EEXIST: { kind: 'conflict', code: 'STORAGE_EXISTS', tell: 'the name is taken' },
};

/** What a failed file operation means: `STORAGE_FULL`, `STORAGE_IO`, …; errors that already are ours stay as they are. */
export function toStorageError(thrown: unknown, backend: string, key: string): WatchpostError {
  if (thrown instanceof WatchpostError) return thrown;
  const code = (thrown as { code?: string } | undefined)?.code ?? '';
  const meaning = meanings[code];
  if (meaning) {
    return new WatchpostError(`storage "${backend}", ${key || 'root'}: ${meaning.tell}`, {
      kind: meaning.kind,
      code: meaning.code,
      context: { backend, key, errno: code },
      cause: thrown,
    });
  }
  return new WatchpostError(
    `storage "${backend}", ${key || 'root'}: ${thrown instanceof Error ? thrown.message : thrown}`,
    {
      kind: 'unavailable',
      code: 'STORAGE_IO',
      context: { backend, key, errno: code },
      cause: thrown,
    },
  );
}

/** The volume that a backend was given is not there. */
export function volumeMissing(backend: string, basePath: string, why: string): WatchpostError {
  return new WatchpostError(
    `storage "${backend}": the volume that belongs at ${basePath} is not there (${why}) — mount it; nothing is written until then`,
    { kind: 'unavailable', code: 'STORAGE_VOLUME_MISSING', context: { backend, basePath } },
  );
}

/** Another server writes to the volume. */
export function volumeInUse(backend: string, basePath: string, cause: unknown): WatchpostError {
  return new WatchpostError(
    `storage "${backend}": another Watchpost records to ${basePath} — stop that one, or give this backend a base_path of its own; nothing is written until then`,
    { kind: 'unavailable', code: 'STORAGE_VOLUME_IN_USE', context: { backend, basePath }, cause },
  );
}
