import { DatabaseSync } from 'node:sqlite';
import { volumeInUse } from './storage-error.ts';

/** File at the root of each volume that the server which writes there holds locked; it stays empty. */
export const volumeLockName = '.watchpost-volume.lock';

/** SQLITE_BUSY, SQLITE_READONLY, SQLITE_CANTOPEN. */
const busy = 5;
const readOnly = 8;
const cannotOpen = 14;

/** Whose volume is locked. */
export interface VolumeLockOptions {
  readonly backend: string;
  readonly basePath: string;
  /** Directory to put before the lock's name. */
  readonly root: string;
}

/**
 * Keeps a volume for one server: each would take the other's files for its own, and delete them. The system lets go of
 * it when the process ends, however it ends, and it is seen from other containers, too.
 */
export class VolumeLock implements Disposable {
  readonly #options: VolumeLockOptions;
  #file: DatabaseSync | undefined;
  #isGivenUp = false;
  /** Why the volume is not locked; missing while it is. Network file systems may have no locks. */
  failure: string | undefined;

  constructor(options: VolumeLockOptions) {
    this.#options = options;
  }

  /**
   * Locks the volume unless it is locked already; where it cannot be, `failure` says why, and the next call tries again
   * if that may help. Throws `unavailable` (`STORAGE_VOLUME_IN_USE`) where another server has it.
   */
  claim(): void {
    if (this.#file !== undefined || this.#isGivenUp) return;
    const { backend, basePath, root } = this.#options;
    let file: DatabaseSync | undefined;
    try {
      file = new DatabaseSync(`${root}/${volumeLockName}`);
      lock(file);
      this.#file = file;
      this.failure = undefined;
    } catch (thrown) {
      file?.close();
      const code = errorCode(thrown);
      if (code === busy) throw volumeInUse(backend, basePath, thrown);
      this.failure = (thrown as Error).message;
      this.#isGivenUp = code !== readOnly && code !== cannotOpen;
    }
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
    this.#isGivenUp = true;
  }
}

function lock(file: DatabaseSync): void {
  try {
    // No journal beside it: nothing is ever written.
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (thrown) {
    // Who may not write to the lock can still see that somebody holds it.
    if (errorCode(thrown) === readOnly) file.exec('SELECT count(*) FROM sqlite_master');
    throw thrown;
  }
}

function errorCode(thrown: unknown): number | undefined {
  return (thrown as { errcode?: number }).errcode;
}
