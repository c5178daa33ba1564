import { WatchpostError } from '@watchpost/base/errors.ts';

/** Notes when something was last used. Where the database takes nothing now, as on a full disk, that keeps nobody out. */
export async function noteUse(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof WatchpostError && error.code === 'DATABASE_NOT_WRITABLE')) throw error;
  }
}
