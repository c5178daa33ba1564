import { type ErrorKind, WatchpostError } from '@watchpost/base/errors.ts';

interface Meaning {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly tell: string;
}

/** What FUSE, NFS and SMB say when the program or the server behind the mount is away. */
const networkGone: Meaning = {
  kind: 'unavailable',
  code: 'STORAGE_IO',
  tell: 'the network file system has lost its server; look at the network and that server, then mount it anew (umount -l, mount)',
};

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
  ENOTCONN: networkGone,
  ESTALE: networkGone,
  ETIMEDOUT: networkGone,
  EHOSTDOWN: networkGone,
  EHOSTUNREACH: networkGone,
  ECONNABORTED: networkGone,
  ENODEV: { kind: 'unavailable', code: 'STORAGE_IO', tell: 'the disk is no longer there; connect and mount it again' },
  ENXIO: { kind: 'unavailable', code: 'STORAGE_IO', tell: 'the disk is no longer there; connect and mount it again' },
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
  ENOENT: {
    kind: 'not_found',
    code: 'STORAGE_NOT_FOUND',
    tell: 'the file is gone; if somebody moved it, put it back: the next start finds it',
  },
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

/** The volume does not answer: a network file system whose server is away, or a disk about to fail. */
export function volumeSilent(backend: string, basePath: string): WatchpostError {
  return new WatchpostError(
    `storage "${backend}": what is mounted at ${basePath} does not answer — look at the network, at the server behind it, or at the disk (dmesg); recording goes on by itself once it does`,
    { kind: 'unavailable', code: 'STORAGE_SILENT', context: { backend, basePath } },
  );
}
