import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { SilentStreams } from '../hub/types.ts';
import type { Database } from './database.ts';

/** Streams that announced sound and sent none when they were last seen. */
export interface SilentStreamTables {
  silent_streams: { stream_id: string };
}

/** Keeps in the database which streams announce sound and send none. */
export class SilentStreamStore implements SilentStreams, AsyncDisposable {
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #ids: Set<string>;
  #written: Promise<void> = Promise.resolve();

  private constructor(database: Database, logger: Logger, ids: readonly string[]) {
    this.#database = database;
    this.#logger = logger;
    this.#ids = new Set(ids);
  }

  /** Reads what is known. */
  static async open(database: Database, logger: Logger): Promise<SilentStreamStore> {
    const rows = await database.selectFrom('silent_streams').select('stream_id').execute();
    return new SilentStreamStore(
      database,
      logger,
      rows.map((row) => row.stream_id),
    );
  }

  has(streamId: string): boolean {
    return this.#ids.has(streamId);
  }

  note(streamId: string, isSilent: boolean): void {
    if (this.#ids.has(streamId) === isSilent) return;
    if (isSilent) this.#ids.add(streamId);
    else this.#ids.delete(streamId);
    this.#written = this.#written.then(() => this.#write(streamId, isSilent));
  }

  /** Resolves once all is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#written;
  }

  /** What cannot be written is learned again after the next start. */
  async #write(streamId: string, isSilent: boolean): Promise<void> {
    const change = isSilent
      ? this.#database
          .insertInto('silent_streams')
          .values({ stream_id: streamId })
          .onConflict((conflict) => conflict.doNothing())
      : this.#database.deleteFrom('silent_streams').where('stream_id', '=', streamId);
    try {
      await change.execute();
    } catch (thrown) {
      const { message } = toWatchpostError(thrown);
      this.#logger.warn('that a stream has no sound, or has it again, could not be kept', { streamId, error: message });
    }
  }
}
