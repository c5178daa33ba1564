import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What was made in other systems, so that just that is changed and removed there. */
export const registrations: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema
      .createTable('registrations')
      .addColumn('registration', 'text', (column) => column.notNull())
      .addColumn('stream_id', 'text', (column) => column.notNull())
      .addColumn('remote_name', 'text', (column) => column.notNull())
      .addColumn('remote_id', 'text')
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('changed_ms', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('registrations_key', ['registration', 'stream_id'])
      .execute();
  },
};
