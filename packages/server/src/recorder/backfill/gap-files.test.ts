import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import type { BackfillRecord } from '@watchpost/tunnel/backfill/record.ts';
import { openDatabase } from '../../catalog/database.ts';
import { GapStore } from '../../catalog/gap-store.ts';
import { SegmentStore } from '../../catalog/segment-store.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { GapFiles } from './gap-files.ts';
import { otherSps, picturesIn, testPacket, testSdp } from './test-pictures.ts';

const beganMs = Date.UTC(2026, 6, 1);
const hourMs = 3_600_000;
const pps = fromHex('68cb83cb20');

/** Files records as one read brings them; the numbers of the pictures that are recorded, and when they are. */
async function file(records: readonly BackfillRecord[], endMs = beganMs + hourMs) {
  const database = await openDatabase(':memory:');
  const disk = new MemoryStorage();
  const store = new SegmentStore(database);
  const gaps = new GapStore(database);
  const options = { streamId: 's', startMs: beganMs, endMs, offsetMs: 0, segmentMs: 10_000, store, gaps };
  await using files = await GapFiles.open({ ...options, backends: [disk], signal: new AbortController().signal });
  for (const record of records) files.push(record);
  await files.write();
  await files.finish();
  const segments = await store.inRange('s', beganMs, endMs);
  const pictures = [...disk.files.values()].flatMap(({ bytes }) => picturesIn(bytes));
  await database.destroy();
  return { pictures, segments };
}

const tracks = (timeMs: number, version = 0): BackfillRecord => ({ kind: 'tracks', timeMs, sdp: testSdp(version) });
const rtp = (timeMs: number, packet: Uint8Array): BackfillRecord => ({ kind: 'rtp', timeMs, trackIndex: 0, packet });
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const picture = (i: number, firstMs = beganMs) => rtp(firstMs + i * 40, testPacket({ sequence: i, picture: i }));

test('every picture from the first key picture on is recorded', async () => {
  const { pictures } = await file([tracks(beganMs), ...numbers(100).map((i) => picture(i))]);
  assert.deepEqual(pictures, numbers(100));
});

test('no picture is lost where the camera describes itself anew', async () => {
  const records = numbers(100).flatMap((i) =>
    i % 25 === 0 ? [tracks(beganMs + i * 40, i), picture(i)] : [picture(i)],
  );
  assert.deepEqual((await file(records)).pictures, numbers(100));
});

test('no picture is lost where parameter sets change in the stream', async () => {
  const records: BackfillRecord[] = [tracks(beganMs)];
  let sequence = 0;
  for (const i of numbers(100)) {
    const timeMs = beganMs + i * 40;
    if (i === 50 || i === 75)
      for (const nal of [otherSps.with(3, 0x1e + i), pps])
        records.push(rtp(timeMs, testPacket({ sequence: sequence++, picture: i, nal, marker: false })));
    records.push(rtp(timeMs, testPacket({ sequence: sequence++, picture: i })));
  }
  assert.deepEqual((await file(records)).pictures, numbers(100));
});

test('what was kept only of the end of a long gap is recorded from its first picture on, when it was', async () => {
  const firstMs = beganMs + 10 * hourMs;
  const endMs = beganMs + 11 * hourMs;
  const { pictures, segments } = await file([tracks(firstMs), ...numbers(100).map((i) => picture(i, firstMs))], endMs);
  assert.deepEqual(pictures, numbers(100));
  assert.equal(segments.length, 1);
  assert.ok(Math.abs(segments[0]!.startMs - firstMs) <= 40, `${segments[0]!.startMs - firstMs} ms off`);
});

test('the last picture is recorded of a camera that does not mark where pictures end', async () => {
  const records = numbers(60).map((i) => rtp(beganMs + i * 40, testPacket({ sequence: i, picture: i, marker: false })));
  assert.deepEqual((await file([tracks(beganMs), ...records])).pictures, numbers(60));
});
