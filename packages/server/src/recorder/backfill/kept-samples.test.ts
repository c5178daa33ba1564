import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptSamples } from './kept-samples.ts';
import { testPacket, testSdp } from './test-pictures.ts';

const beganMs = Date.UTC(2026, 6, 1);

test('many pictures that one read brings all come, dated one by one, as they came to the agent', async () => {
  await using kept = await KeptSamples.open(5000);
  const timeMs = beganMs - 5000;
  kept.push({ kind: 'tracks', timeMs, sdp: testSdp() });
  for (let i = 0; i < 100; i++) {
    const packet = testPacket({ sequence: i, picture: i });
    kept.push({ kind: 'rtp', timeMs: timeMs + i * 40, trackIndex: 0, packet });
  }
  const samples = kept.take().flatMap((batch) => batch.samples);
  assert.equal(samples.length, 100);
  for (const [i, { wallMs }] of samples.entries())
    assert.ok(Math.abs(wallMs - (beganMs + i * 40)) <= 40, `picture ${i}: ${wallMs - beganMs - i * 40} ms off`);
});

test('pictures of before and after the camera described itself anew come with the tracks that they are of', async () => {
  await using kept = await KeptSamples.open(0);
  for (let i = 0; i < 100; i++) {
    if (i % 50 === 0) kept.push({ kind: 'tracks', timeMs: beganMs + i * 40, sdp: testSdp(i) });
    const packet = testPacket({ sequence: i, picture: i });
    kept.push({ kind: 'rtp', timeMs: beganMs + i * 40, trackIndex: 0, packet });
  }
  const batches = kept.take().filter(({ samples }) => samples.length > 0);
  assert.deepEqual(
    batches.map(({ samples }) => samples.length),
    [50, 50],
  );
  for (const { tracks, samples } of batches) for (const { track } of samples) assert.ok(tracks.includes(track));
});
