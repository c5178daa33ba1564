import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Other servers that a stream made by API is sent to. */
export const push: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('api_streams').addColumn('push', 'text').execute();
  },
};
