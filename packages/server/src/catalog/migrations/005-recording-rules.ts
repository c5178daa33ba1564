import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Rules of recording for streams made by API, schedules, and locks of recordings. */
export const recordingRules: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('api_streams').addColumn('recording', 'text').execute();
    await database.schema
      .createTable('schedules')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('time_zone', 'text')
      .addColumn('ranges', 'text', (column) => column.notNull())
      .addColumn('changed_ms', 'integer', (column) => column.notNull())
      .execute();
    await database.schema
      .createTable('recording_locks')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('stream_id', 'text', (column) => column.notNull())
      .addColumn('start_ms', 'integer', (column) => column.notNull())
      .addColumn('end_ms', 'integer', (column) => column.notNull())
      .addColumn('note', 'text', (column) => column.notNull())
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addColumn('created_ms', 'integer', (column) => column.notNull())
      .addUniqueConstraint('recording_locks_range', ['stream_id', 'start_ms', 'end_ms'])
      .execute();
  },
};
