import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { openDatabase } from '../packages/server/src/catalog/database.ts';
import { SegmentStore } from '../packages/server/src/catalog/segment-store.ts';
import { VolumeStore } from '../packages/server/src/catalog/volume-store.ts';
import { rebuildIndex } from '../packages/server/src/recorder/rebuild-index.ts';
import { LocalStorage } from '../packages/server/src/storage/local/local-storage.ts';
import { makeLoopDisk, mountImage, whyNoLoopDisk } from './loop-disk.ts';
import { decodeErrors, inPairs, makeClip, startRecorder, temporaryFolder } from './record-harness.ts';

const cuts = 8;
const cameras = 4;
/** What the design promises. */
const maxLossMs = 2200;
const skip = (await whyNoLoopDisk()) ?? false;

test(`a disk as a power cut leaves it has lost at most ${maxLossMs} ms, and its index is made again from the files`, {
  skip,
}, async (t) => {
  await using folder = await temporaryFolder();
  const clip = join(folder.path, 'clip.mp4');
  await makeClip(clip);
  await using disk = await makeLoopDisk(join(folder.path, 'disk.img'), join(folder.path, 'disk'), 40);
  const settings = {
    database: join(folder.path, 'watchpost.db'),
    base: disk.mountPoint,
    clip,
    cameras,
    segmentSeconds: 3,
  };
  const child = startRecorder(settings);
  const copies: { image: string; cutMs: number }[] = [];
  try {
    await child.until((message) => message.cpu !== undefined);
    for (let i = 0; i < cuts; i++) {
      await delay(1200 + Math.random() * 1500);
      const image = join(folder.path, `cut-${i}.img`);
      const cutMs = Date.now();
      // What the disk was given so far; what the kernel still holds back is not in it.
      await copyFile(disk.image, image);
      copies.push({ image, cutMs });
    }
  } finally {
    await child.end('SIGTERM');
  }
  const losses: number[] = [];
  const decoded = new Map<string, string>();
  for (const [i, { image, cutMs }] of copies.entries()) {
    await using copy = await mountImage(image, join(folder.path, `cut-${i}`));
    losses.push(...(await rebuilt(copy.mountPoint, { cutMs, decoded })));
  }
  t.diagnostic(
    `lost ms: most ${Math.max(...losses)}, mean ${Math.round(losses.reduce((a, b) => a + b) / losses.length)}`,
  );
  assert(Math.max(...losses) <= maxLossMs, `lost ${losses.join(' ')}`);
});

/** A cut, and what FFmpeg complained of in the files of those before it, by their SHA-256: most of them are there again. */
interface Cut {
  readonly cutMs: number;
  readonly decoded: Map<string, string>;
}

/** Rebuilds the index of what is mounted there, checks each file, and tells what each camera lost before the cut. */
async function rebuilt(base: string, { cutMs, decoded }: Cut): Promise<number[]> {
  const database = await openDatabase(':memory:');
  const registry = new VolumeStore(database);
  await using storage = await LocalStorage.open({
    name: 'disk',
    basePath: base,
    registry,
    clock: systemClock,
    logger: silentLogger,
  });
  const summary = await rebuildIndex({ database, backends: [storage] });
  const streams = await new SegmentStore(database).streams();
  const rows = await database.selectFrom('segments').select('key').execute();
  await database.destroy();
  assert.equal(streams.length, cameras);
  assert(summary.adopted >= cameras);
  const faults: string[] = [];
  await inPairs(rows, async ({ key }) => {
    const file = join(base, key);
    const hash = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    const errors = decoded.get(hash) ?? (await decodeErrors(file));
    decoded.set(hash, errors);
    if (errors !== '') faults.push(`${key}: ${errors}`);
  });
  assert.deepEqual(faults, []);
  return streams.map((stream) => cutMs - stream.newestMs);
}
