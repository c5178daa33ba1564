import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Users, sessions, API tokens, signing keys; streams made by API and what was changed of those of the file. */
export const identity: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await people(database);
    await database.schema
      .createTable('signing_keys')
      .addColumn('purpose', 'text', (column) => column.primaryKey())
      .addColumn('key', 'blob', (column) => column.notNull())
      .addColumn('created_ms', 'integer', (column) => column.notNull())
      .execute();
    await database.schema
      .createTable('api_streams')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('title', 'text', (column) => column.notNull())
      .addColumn('protocol', 'text', (column) => column.notNull())
      .addColumn('sources', 'text', (column) => column.notNull())
      .addColumn('sub_source', 'text')
      .addColumn('record', 'integer', (column) => column.notNull())
      .addColumn('on_demand', 'integer', (column) => column.notNull())
      .addColumn('created_ms', 'integer', (column) => column.notNull())
      .addColumn('changed_ms', 'integer', (column) => column.notNull())
      .execute();
    await database.schema
      .createTable('stream_overrides')
      .addColumn('stream_id', 'text', (column) => column.primaryKey())
      .addColumn('stopped', 'integer')
      .addColumn('record', 'integer')
      .execute();
  },
};

async function people(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('users')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('password', 'text', (column) => column.notNull())
    .addColumn('created_ms', 'integer', (column) => column.notNull())
    .execute();
  await database.schema
    .createTable('sessions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('created_ms', 'integer', (column) => column.notNull())
    .addColumn('used_ms', 'integer', (column) => column.notNull())
    .addColumn('expires_ms', 'integer', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('user_agent', 'text', (column) => column.notNull())
    .execute();
  await database.schema.createIndex('sessions_by_user').on('sessions').column('user_id').execute();
  await database.schema
    .createTable('api_tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('created_ms', 'integer', (column) => column.notNull())
    .addColumn('used_ms', 'integer')
    .addColumn('expires_ms', 'integer')
    .execute();
}
