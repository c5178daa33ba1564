import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { BackfillReader } from '@watchpost/tunnel/backfill/record.ts';
import { nodePlatform } from '../platform/node-platform.ts';
import type { BlockStore } from './block.ts';
import { diskBlocks, memoryBlocks } from './block-stores.ts';
import { EdgeBuffer } from './edge-buffer.ts';
import { RunClock } from './run-clock.ts';
import { sendNal, sendPicture, testStream as stream } from './test-stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'watchpost-buffer-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const beganMs = 1_760_000_000_000;

function bench(store: BlockStore, maxBytes: number) {
  const clock = new ManualClock(beganMs);
  const boot = { id: '0123456789ab', clockZeroMs: 5000, sleptMs: () => 0 };
  const buffer = new EdgeBuffer({
    ...{ id: 'b', clock: new RunClock({ clock, boot }), logger: silentLogger, store, maxBytes },
  });
  const packet = (isKey: boolean) => sendPicture(buffer, isKey);
  /** Pictures of one packet each, 40 ms apart, every 25th a key picture. */
  const play = (pictures: number) => {
    for (let i = 0; i < pictures; i++, clock.advance(40)) packet(i % 25 === 0);
  };
  return { buffer, clock, packet, play };
}

test('a buffer stays within its bound and forgets the oldest first', async () => {
  const { buffer, clock, play } = bench(memoryBlocks(), 1_000_000);
  buffer.onStart(stream);
  play(3000);
  await buffer.flush();
  assert.ok(buffer.keptBytes <= 1_000_000 && buffer.keptBytes > 500_000, `${buffer.keptBytes}`);
  const [range, ...more] = buffer.ranges();
  assert.deepEqual(more, []);
  assert.ok(range!.start_ms > beganMs && range!.end_ms <= clock.wallMs());
});

test('nothing is kept before the first key picture, and a range begins with one', async () => {
  const { buffer, clock, packet, play } = bench(memoryBlocks(), 10_000_000);
  buffer.onStart(stream);
  for (let i = 0; i < 10; i++) packet(false);
  clock.advance(400);
  play(100);
  await buffer.flush();
  assert.equal(buffer.ranges()[0]!.start_ms, beganMs + 400);
  const [first] = buffer.blocksOf(beganMs + 3000, beganMs + 3500);
  assert.equal(first!.info.key, true);
  assert.ok(first!.startMs <= beganMs + 3000);
  assert.deepEqual(buffer.blocksOf(beganMs + 900_000, beganMs + 910_000), []);
});

test('what can be fetched begins with the first packet of a key picture, however many slices it has', async () => {
  const { buffer, clock } = bench(memoryBlocks(), 10_000_000);
  buffer.onStart(stream);
  let sequence = 0;
  const begins: number[] = [];
  const send = (timestamp: number, header: number[], bytes: number) => {
    sendNal(buffer, { header, bytes, timestamp, sequence: sequence++ });
  };
  for (let picture = 0; picture < 200; picture++, clock.advance(40)) {
    if (picture % 25 === 0) {
      begins.push(sequence);
      send(picture * 3600, [0x67, 0x42], 20);
      // Blocks may end after 128 kB.
      for (const firstMacroblock of [0x88, 0x58, 0x48, 0x44]) send(picture * 3600, [0x65, firstMacroblock], 50_000);
    } else send(picture * 3600, [0x41, 0x88], 1000);
  }
  await buffer.flush();
  const blocks = buffer.blocksOf(0, Number.MAX_SAFE_INTEGER);
  assert.ok(blocks.length > 5, `${blocks.length} blocks`);
  for (const { info } of blocks) {
    const first: number[] = [];
    const reader = new BackfillReader((record) => {
      if (record.kind === 'rtp') first.push(record.packet[2]! * 256 + record.packet[3]!);
    });
    reader.receive((await buffer.read(info))!);
    if (info.key) assert.ok(begins.includes(first[0]!), `a block begins with packet ${first[0]}`);
  }
});

test('a camera that was away leaves a hole as long as it was between two ranges, whatever the clock does', async () => {
  const { buffer, clock, play } = bench(memoryBlocks(), 10_000_000);
  buffer.onStart(stream);
  play(50);
  buffer.onStop();
  clock.advance(10_000);
  clock.stepWall(-3_600_000);
  buffer.onStart(stream);
  play(50);
  await buffer.flush();
  const ranges = buffer.ranges();
  assert.equal(ranges.length, 2);
  assert.equal(ranges[1]!.start_ms, beganMs + 50 * 40 + 10_000);
});

test('what is on the disk is found again; damaged and foreign files are passed over', async () => {
  const store = () => diskBlocks(nodePlatform(), join(folder, 'disk'));
  const { buffer, play } = bench(store(), 10_000_000);
  buffer.onStart(stream);
  play(500);
  await buffer.flush();
  const before = buffer.ranges();
  writeFileSync(join(folder, 'disk', 'notes.txt'), 'x');
  const again = bench(store(), 10_000_000).buffer;
  await again.open();
  assert.deepEqual(again.ranges(), before);
  const { info: block } = again.blocksOf(0, Number.MAX_SAFE_INTEGER)[0]!;
  assert.equal((await again.read(block))!.length, block.bytes);
  const file = readdirSync(join(folder, 'disk')).sort()[0]!;
  writeFileSync(join(folder, 'disk', file), 'cut off');
  assert.equal(await again.read(block), undefined);
});
