import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBench } from './test-bench.ts';

const forever = [0, 1e14] as const;

test('G5 a hole that loss tore into a file has a row of its own, and recording goes on in the same run', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  camera.connect();
  await bench.run(4000);
  camera.mute = true;
  await bench.run(800);
  camera.mute = false;
  camera.lost = 37;
  await bench.run(3000);
  // Neither a pause without loss nor loss without a hole is one.
  camera.lost = 5;
  await bench.run(400);
  camera.mute = true;
  await bench.run(400);
  camera.mute = false;
  await bench.run(2000);
  const gaps = await bench.recorder.query.gaps('gate', ...forever);
  assert.deepEqual(
    gaps.map(({ reason, detail }) => [reason, detail?.includes('37 packets')]),
    [['packet_loss', true]],
  );
  const { startMs, endMs } = gaps[0]!;
  assert.equal(Math.round(endMs! - startMs), 840);
  const segments = await bench.recorder.query.segments('gate', ...forever);
  assert.equal(new Set(segments.map(({ runId }) => runId)).size, 1);
});

test('a link that loses all the time has a row in ten seconds at most', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  camera.connect();
  await bench.run(1000);
  for (let i = 0; i < 20; i++) {
    camera.mute = true;
    await bench.run(400);
    camera.mute = false;
    camera.lost = 3;
    await bench.run(600);
  }
  const gaps = await bench.recorder.query.gaps('gate', ...forever);
  assert(gaps.length >= 2 && gaps.length <= 3, `${gaps.length}`);
});

test('loss at the border of two files is a gap with its reason', async () => {
  await using bench = await openBench();
  const camera = bench.hub.add('gate');
  camera.connect();
  await bench.run(9600);
  camera.mute = true;
  await bench.run(800);
  camera.mute = false;
  camera.lost = 9;
  camera.change(camera.tracks);
  await bench.run(3000);
  const reasons = (await bench.recorder.query.gaps('gate', ...forever)).map(({ reason }) => reason);
  assert.deepEqual(reasons, ['packet_loss']);
});
