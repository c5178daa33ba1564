import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSdp } from '@watchpost/media/sdp/parse.ts';
import { tracksFromSdp } from '@watchpost/media/sdp/tracks.ts';
import { nodePlatform } from '../platform/node-platform.ts';
import type { BlockStore } from './block.ts';
import { diskBlocks, memoryBlocks } from './block-stores.ts';
import { EdgeBuffer } from './edge-buffer.ts';

const folder = mkdtempSync(join(tmpdir(), 'watchpost-buffer-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const sdp = parseSdp(
  new TextEncoder().encode(
    'v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:0\r\n',
  ),
);
const stream = { sdp, tracks: tracksFromSdp(sdp), mediaIndices: [0], indices: [0] };

function bench(store: BlockStore, maxBytes: number) {
  const clock = new ManualClock(1_000_000);
  const platform = { ...nodePlatform(), clock };
  const buffer = new EdgeBuffer({ id: 'b', platform, logger: silentLogger, store, maxBytes });
  const packet = (isKey: boolean) => {
    const bytes = new Uint8Array(1200);
    bytes.set([0x80, 96]);
    bytes[12] = isKey ? 0x65 : 0x41;
    buffer.onPacket(0, false, bytes, 0, bytes.length);
  };
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
  assert.ok(range!.start_ms > 1_000_000 && range!.end_ms <= clock.wallMs());
});

test('nothing is kept before the first key picture, and a range begins with one', async () => {
  const { buffer, clock, packet, play } = bench(memoryBlocks(), 10_000_000);
  buffer.onStart(stream);
  for (let i = 0; i < 10; i++) packet(false);
  clock.advance(400);
  play(100);
  await buffer.flush();
  assert.equal(buffer.ranges()[0]!.start_ms, 1_000_400);
  const [first] = buffer.blocksOf(1_003_000, 1_003_500);
  assert.equal(first!.key, true);
  assert.ok(first!.startMs <= 1_003_000);
  assert.deepEqual(buffer.blocksOf(9_000_000, 9_100_000), []);
});

test('a camera that was away leaves a hole between two ranges; a clock that goes back does not turn time', async () => {
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
  assert.ok(ranges[1]!.start_ms >= ranges[0]!.end_ms - 1);
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
  const [block] = again.blocksOf(0, Number.MAX_SAFE_INTEGER);
  assert.equal((await again.read(block!))!.length, block!.bytes);
  const file = readdirSync(join(folder, 'disk')).sort()[0]!;
  writeFileSync(join(folder, 'disk', file), 'cut off');
  assert.equal(await again.read(block!), undefined);
});
