import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Streams that users and tokens are limited to, roles of tokens, and the audit log. */
export const access: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('users').addColumn('streams', 'text').execute();
    await database.schema.alterTable('api_tokens').addColumn('role', 'text').execute();
    await database.schema.alterTable('api_tokens').addColumn('streams', 'text').execute();
    await database.schema
      .createTable('audit')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('at_ms', 'integer', (column) => column.notNull())
      .addColumn('action', 'text', (column) => column.notNull())
      .addColumn('user_name', 'text', (column) => column.notNull())
      .addColumn('via', 'text', (column) => column.notNull())
      .addColumn('stream_id', 'text')
      .addColumn('detail', 'text', (column) => column.notNull())
      .addColumn('address', 'text', (column) => column.notNull())
      .addColumn('user_agent', 'text', (column) => column.notNull())
      .execute();
    for (const column of ['at_ms', 'user_name', 'stream_id', 'action'])
      await database.schema.createIndex(`audit_by_${column}`).on('audit').columns([column, 'id']).execute();
  },
};
