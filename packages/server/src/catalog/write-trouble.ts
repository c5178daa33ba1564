import { WatchpostError } from '@watchpost/base/errors.ts';

/** SQLITE_READONLY, SQLITE_IOERR and SQLITE_FULL: primary result codes (sqlite.org/rescode.html). */
const readonly = 8;
const ioError = 10;
const full = 13;
/** What an operator can do. */
const cures: Readonly<Record<number, string>> = {
  [readonly]: 'see to it that data_dir can be written to',
  [ioError]: 'look after the disk of data_dir',
  [full]: 'free the disk of data_dir',
};

/** True for the database's error, or one that it caused, that says that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as { errcode?: number }).errcode === full || isDiskFull(error.cause);
}

/** SQLite's errors about the place of its file as `unavailable` (`DATABASE_NOT_WRITABLE`), with the cure; others as they are. */
export function toWriteTrouble(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const { errcode } = thrown as { errcode?: number };
  // Extended codes have the primary one in their low byte.
  const cure = errcode === undefined ? undefined : cures[errcode & 0xff];
  if (cure === undefined) return thrown;
  return new WatchpostError(`nothing can be kept in data_dir: ${thrown.message} — ${cure}`, {
    kind: 'unavailable',
    code: 'DATABASE_NOT_WRITABLE',
    cause: thrown,
  });
}
