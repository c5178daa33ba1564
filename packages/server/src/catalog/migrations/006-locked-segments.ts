import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Stretches of time are locked, no longer single files: the column was never set by anything that was published. */
export const lockedSegments: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('segments').dropColumn('locked').execute();
  },
};
