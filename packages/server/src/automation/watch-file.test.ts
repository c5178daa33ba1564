import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { watchFile } from './watch-file.ts';

const logger = silentLogger;
/** Until the kernel has told of a change. */
const notice = () => new Promise((resolve) => setTimeout(resolve, 50));

test('several writes are one change, a second after the last one; other files are none', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'watchpost-watch-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'w.toml');
  await writeFile(file, '');
  const clock = new ManualClock();
  let changes = 0;
  using _watch = watchFile(file, { clock, logger }, () => changes++);
  await writeFile(join(folder, 'watchpost.db'), 'x');
  await notice();
  clock.advance(2000);
  assert.equal(changes, 0);
  await writeFile(file, 'a');
  await notice();
  clock.advance(600);
  await writeFile(`${file}~`, 'b');
  await rename(`${file}~`, file);
  await notice();
  clock.advance(600);
  assert.equal(changes, 0);
  clock.advance(400);
  assert.equal(changes, 1);
});

test('a folder that cannot be watched harms nothing', () => {
  const watching = watchFile('/nowhere/at/all/w.toml', { clock: new ManualClock(), logger }, () => {});
  assert.doesNotThrow(() => watching[Symbol.dispose]());
});
