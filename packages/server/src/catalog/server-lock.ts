import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** SQLITE_BUSY. */
const sqliteBusy = 5;

/**
 * Holds a folder for one server: two on one database would give events and segments the same ids. The system lets go of
 * it when the process ends, however it ends. The command line does not need it. Throws `conflict` (`DATA_DIR_IN_USE`).
 */
export function lockDataDir(dataDir: string): Disposable {
  const file = new DatabaseSync(join(dataDir, 'server.lock'));
  try {
    file.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    file.close();
    if ((thrown as { errcode?: number }).errcode !== sqliteBusy) throw thrown;
    throw new WatchpostError(
      `another Watchpost uses data_dir "${dataDir}" — stop that one, or give this one a folder of its own`,
      { kind: 'conflict', code: 'DATA_DIR_IN_USE', context: { dataDir }, cause: thrown },
    );
  }
  return { [Symbol.dispose]: () => file.close() };
}
