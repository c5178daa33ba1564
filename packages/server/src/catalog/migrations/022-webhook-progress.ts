import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** How far each webhook has come in the events. */
export const webhookProgress: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema
      .createTable('webhook_progress')
      .addColumn('hook', 'text', (column) => column.primaryKey())
      .addColumn('settled_id', 'integer', (column) => column.notNull())
      .addColumn('failures', 'integer', (column) => column.notNull())
      .addColumn('next_ms', 'integer', (column) => column.notNull())
      .addColumn('dropped', 'integer', (column) => column.notNull())
      .execute();
  },
};
