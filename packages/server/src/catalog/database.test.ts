import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { sql } from 'kysely';
import { openDatabase } from './database.ts';
import { isDiskFull } from './write-trouble.ts';

async function folder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'watchpost-db-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const gap = { stream_id: 'gate', start_ms: 1, end_ms: null, reason: 'unknown', detail: null };

test('what is written is there after closing and opening again', async () => {
  await using dir = await folder();
  const path = join(dir.path, 'new', 'watchpost.db');
  const first = await openDatabase(path);
  await first.insertInto('gaps').values(gap).execute();
  await first.destroy();
  const second = await openDatabase(path);
  assert.deepEqual({ ...(await second.selectFrom('gaps').selectAll().executeTakeFirst()) }, { id: 1, ...gap });
  await second.destroy();
});

test('a transaction that finds the disk full says so, and the database works again once there is room', async () => {
  await using dir = await folder();
  const database = await openDatabase(join(dir.path, 'watchpost.db'));
  const pages = await sql<{ page_count: number }>`pragma page_count`.execute(database);
  await sql`pragma max_page_count = ${sql.lit(pages.rows[0]!.page_count)}`.execute(database);
  const fill = () =>
    database.transaction().execute(async (transaction) => {
      const values = Array.from({ length: 50 }, () => ({ ...gap, detail: 'x'.repeat(4000) }));
      await transaction.insertInto('gaps').values(values).execute();
    });
  await assert.rejects(fill(), (error) => isDiskFull(error) && /full/.test(String(error)));
  await sql`pragma max_page_count = 100000`.execute(database);
  await fill();
  await database.destroy();
});

test('a database of a newer version is refused with the cure, and left as it is', async () => {
  await using dir = await folder();
  const path = join(dir.path, 'watchpost.db');
  const first = await openDatabase(path);
  await first.insertInto('kysely_migration').values({ name: '999-from-the-future', timestamp: 'now' }).execute();
  await first.destroy();
  await assert.rejects(openDatabase(path), (error: WatchpostError) => {
    assert.equal(error.code, 'DATABASE_NEWER');
    assert.match(error.message, /999-from-the-future.*install that version/);
    return true;
  });
});

test('a file that is no database is refused by name', async () => {
  await using dir = await folder();
  const path = join(dir.path, 'watchpost.db');
  await writeFile(
    path,
    'a letter to somebody, long enough to be taken for a header of a database file, or not?'.repeat(9),
  );
  await assert.rejects(openDatabase(path), (error: unknown) => {
    assert(error instanceof WatchpostError);
    assert.equal(error.code, 'DATABASE_UNAVAILABLE');
    assert(error.message.includes(path));
    return true;
  });
});

test('a transaction that throws leaves nothing behind', async () => {
  const database = await openDatabase(':memory:');
  await assert.rejects(
    database.transaction().execute(async (transaction) => {
      await transaction.insertInto('gaps').values(gap).execute();
      throw new Error('no');
    }),
    /no/,
  );
  assert.deepEqual(await database.selectFrom('gaps').selectAll().execute(), []);
  await database.destroy();
});

test('two transactions at once do not mix', async () => {
  const database = await openDatabase(':memory:');
  const write = (reason: string) =>
    database.transaction().execute(async (transaction) => {
      for (let i = 0; i < 5; i++) {
        await transaction
          .insertInto('gaps')
          .values({ ...gap, reason })
          .execute();
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  await Promise.all([write('crash'), write('shutdown')]);
  const rows = await database.selectFrom('gaps').select('reason').orderBy('id').execute();
  assert.deepEqual(
    rows.map((row) => row.reason),
    [...Array(5).fill('crash'), ...Array(5).fill('shutdown')],
  );
  await database.destroy();
});
