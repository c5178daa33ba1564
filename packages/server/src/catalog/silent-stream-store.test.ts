import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '@watchpost/base/logger.ts';
import { openDatabase } from './database.ts';
import { SilentStreamStore } from './silent-stream-store.ts';

test('which streams send no sound is known after the next start, until they send some', async () => {
  const database = await openDatabase(':memory:');
  const known = async (change: (store: SilentStreamStore) => void) => {
    await using store = await SilentStreamStore.open(database, silentLogger);
    change(store);
    return ['gate', 'yard'].map((id) => store.has(id));
  };
  const first = await known((store) => {
    for (const id of ['gate', 'yard', 'gate']) store.note(id, true);
    store.note('door', false);
  });
  const second = await known((store) => store.note('yard', false));
  assert.deepEqual(
    [first, second, await known(() => {})],
    [
      [true, true],
      [true, false],
      [true, false],
    ],
  );
  await database.destroy();
});

test('what cannot be kept is said, and counts until the server ends', async () => {
  const database = await openDatabase(':memory:');
  const warned: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => void warned.push(message) };
  const store = await SilentStreamStore.open(database, logger);
  await database.destroy();
  store.note('gate', true);
  await store[Symbol.asyncDispose]();
  assert.equal(store.has('gate'), true);
  assert.equal(warned.length, 1);
});
