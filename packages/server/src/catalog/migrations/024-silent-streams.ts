import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Streams that announce sound and send none. */
export const silentStreams: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema
      .createTable('silent_streams')
      .addColumn('stream_id', 'text', (column) => column.primaryKey())
      .execute();
  },
};
