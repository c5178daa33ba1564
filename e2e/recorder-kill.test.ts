import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { openDatabase } from '../packages/server/src/catalog/database.ts';
import { VolumeStore } from '../packages/server/src/catalog/volume-store.ts';
import { LocalStorage } from '../packages/server/src/storage/local/local-storage.ts';
import { decodeErrors, inPairs, makeClip, startRecorder, temporaryFolder } from './record-harness.ts';

const kills = 15;
const cameras = 4;
/** What the design promises. */
const maxLossMs = 1200;

test(`kill -9 at ${kills} random moments loses at most ${maxLossMs} ms of each camera, and no file is unplayable`, async (t) => {
  await using folder = await temporaryFolder();
  const clip = join(folder.path, 'clip.mp4');
  await makeClip(clip);
  const base = join(folder.path, 'video');
  const settings = { database: join(folder.path, 'watchpost.db'), base, clip, cameras, segmentSeconds: 2 };
  const losses: number[] = [];
  let killedMs = 0;
  for (let i = 0; i <= kills; i++) {
    const child = startRecorder(settings);
    const { ends } = await child.until((message) => message.ready === true);
    if (i > 0) {
      assert.equal(Object.keys(ends!).length, cameras);
      for (const endMs of Object.values(ends!)) losses.push(killedMs - endMs);
    }
    for (let camera = 1; camera <= cameras; camera++) {
      await child.until((message) => message.event === 'recording.started' && message.stream === `cam${camera}`);
    }
    await delay(Math.random() * 1200);
    killedMs = Date.now();
    await child.end(i === kills ? 'SIGTERM' : 'SIGKILL');
  }
  t.diagnostic(
    `lost ms: most ${Math.max(...losses)}, mean ${Math.round(losses.reduce((a, b) => a + b) / losses.length)}`,
  );
  assert(Math.max(...losses) <= maxLossMs, `lost ${losses.join(' ')}`);

  const database = await openDatabase(settings.database);
  await using storage = await LocalStorage.open({
    name: 'disk',
    basePath: base,
    registry: new VolumeStore(database),
    clock: systemClock,
    logger: silentLogger,
  });
  const rows = await database.selectFrom('segments').select(['key', 'bytes', 'closed']).orderBy('key').execute();
  const files: { key: string; bytes: number; closed: number }[] = [];
  for await (const file of storage.list('')) if (file.key.endsWith('.mp4')) files.push({ ...file, closed: 1 });
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    files,
  );
  assert(rows.length >= kills * cameras);
  const gaps = await database.selectFrom('gaps').selectAll().where('reason', '=', 'crash').execute();
  assert.equal(gaps.length, kills * cameras);
  await database.destroy();
  const faults: string[] = [];
  await inPairs(files, async ({ key }) => {
    const errors = await decodeErrors(join(base, key));
    if (errors !== '') faults.push(`${key}: ${errors}`);
  });
  assert.deepEqual(faults, []);
});
