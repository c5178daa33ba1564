import { WatchpostError } from '@watchpost/base/errors.ts';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrations } from './migrations/list.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import type { Tables } from './tables.ts';

/** The catalogue's database. `destroy()` closes it. */
export type Database = Kysely<Tables>;

/**
 * Opens the database at `path` (`:memory:` for tests) and brings its tables up to this version. Throws `unsupported`
 * (`DATABASE_NEWER`) for a database that a newer version has written, `unavailable` where it cannot be opened.
 */
export async function openDatabase(path: string): Promise<Database> {
  const database: Database = new Kysely<Tables>({ dialect: sqliteDialect(path) });
  try {
    await refuseNewer(database, path);
    const provider = { getMigrations: async () => migrations };
    const { error } = await new Migrator({ db: database, provider, allowUnorderedMigrations: true }).migrateToLatest();
    if (error !== undefined) {
      throw new WatchpostError(
        `the tables of ${path} cannot be brought up to date: ${error instanceof Error ? error.message : String(error)}`,
        { kind: 'internal', code: 'DATABASE_MIGRATION', context: { path }, cause: error },
      );
    }
    return database;
  } catch (error) {
    await database.destroy();
    throw error;
  }
}

async function refuseNewer(database: Database, path: string): Promise<void> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === 'kysely_migration')) return;
  const applied = await database.selectFrom('kysely_migration').select('name').execute();
  const unknown = applied.map((row) => row.name).filter((name) => !(name in migrations));
  if (unknown.length === 0) return;
  throw new WatchpostError(
    `the database ${path} was written by a newer version (${unknown.join(', ')}) — install that version or a newer one, ` +
      'or restore a copy of the database from before the update',
    { kind: 'unsupported', code: 'DATABASE_NEWER', context: { path, unknown: unknown.join(' ') } },
  );
}
