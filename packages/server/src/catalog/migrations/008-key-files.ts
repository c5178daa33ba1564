import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Key pictures that outlive their recordings. */
export const keyFiles: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema
      .createTable('key_files')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('stream_id', 'text', (column) => column.notNull())
      .addColumn('backend', 'text', (column) => column.notNull())
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('start_ms', 'integer', (column) => column.notNull())
      .addColumn('end_ms', 'integer', (column) => column.notNull())
      .addColumn('bytes', 'integer', (column) => column.notNull())
      .addColumn('init_bytes', 'integer', (column) => column.notNull())
      .addColumn('codecs', 'text', (column) => column.notNull())
      .addColumn('tracks', 'text', (column) => column.notNull())
      .addColumn('fragments', 'blob', (column) => column.notNull())
      .addUniqueConstraint('key_files_file', ['backend', 'key'])
      .execute();
    await database.schema.createIndex('key_files_by_time').on('key_files').columns(['stream_id', 'start_ms']).execute();
    await database.schema.createIndex('key_files_by_age').on('key_files').columns(['backend', 'start_ms']).execute();
  },
};
