import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Segments, gaps, volumes, processes, events. */
export const recordings: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await segments(database);
    await database.schema
      .createTable('gaps')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('stream_id', 'text', (column) => column.notNull())
      .addColumn('start_ms', 'integer', (column) => column.notNull())
      .addColumn('end_ms', 'integer')
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('detail', 'text')
      .execute();
    await database.schema.createIndex('gaps_by_time').on('gaps').columns(['stream_id', 'start_ms']).execute();
    await sql`create index gaps_open on gaps (stream_id) where end_ms is null`.execute(database);
    await database.schema
      .createTable('recording_totals')
      .addColumn('backend', 'text', (column) => column.notNull())
      .addColumn('stream_id', 'text', (column) => column.notNull())
      .addColumn('bytes', 'integer', (column) => column.notNull())
      .addColumn('segments', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('recording_totals_key', ['backend', 'stream_id'])
      .execute();
    await database.schema
      .createTable('storage_volumes')
      .addColumn('backend', 'text', (column) => column.primaryKey())
      .addColumn('volume_id', 'text', (column) => column.notNull())
      .addColumn('created_ms', 'integer', (column) => column.notNull())
      .execute();
    await database.schema
      .createTable('recorder_processes')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('started_ms', 'integer', (column) => column.notNull())
      .addColumn('alive_ms', 'integer', (column) => column.notNull())
      .addColumn('ended', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
    await events(database);
  },
};

async function segments(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('segments')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('stream_id', 'text', (column) => column.notNull())
    .addColumn('run_id', 'text', (column) => column.notNull())
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addColumn('backend', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('start_ms', 'integer', (column) => column.notNull())
    .addColumn('end_ms', 'integer', (column) => column.notNull())
    .addColumn('bytes', 'integer', (column) => column.notNull())
    .addColumn('init_bytes', 'integer', (column) => column.notNull())
    .addColumn('codecs', 'text', (column) => column.notNull())
    .addColumn('tracks', 'text', (column) => column.notNull())
    .addColumn('locked', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('closed', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('deleting', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('fragments', 'blob')
    .addUniqueConstraint('segments_file', ['backend', 'key'])
    .execute();
  await database.schema.createIndex('segments_by_time').on('segments').columns(['stream_id', 'start_ms']).execute();
  await database.schema.createIndex('segments_by_age').on('segments').columns(['backend', 'start_ms']).execute();
  await sql`create index segments_growing on segments (id) where closed = 0`.execute(database);
  await sql`create index segments_deleting on segments (id) where deleting = 1`.execute(database);
}

async function events(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('events')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('at_ms', 'integer', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('level', 'text', (column) => column.notNull())
    .addColumn('stream_id', 'text')
    .addColumn('reason', 'text')
    .addColumn('message', 'text', (column) => column.notNull())
    .addColumn('data', 'text')
    .execute();
  await database.schema.createIndex('events_by_stream').on('events').columns(['stream_id', 'id']).execute();
  await database.schema.createIndex('events_by_type').on('events').columns(['type', 'id']).execute();
}
