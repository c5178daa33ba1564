import { WatchpostError } from '@watchpost/base/errors.ts';

/** What an operator can do, by SQLite's primary result codes (sqlite.org/rescode.html). */
const cures: Readonly<Record<number, string>> = {
  8: 'see to it that data_dir can be written to',
  10: 'look after the disk of data_dir',
  13: 'free the disk of data_dir',
};

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
