import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Where publishers send streams besides the addresses with their ids. */
export const publishPath: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('api_streams').addColumn('publish_path', 'text').execute();
    await sql`create unique index api_streams_publish_path on api_streams (protocol, publish_path)`.execute(database);
  },
};
