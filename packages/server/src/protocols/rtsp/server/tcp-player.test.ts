import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { ServedTrack } from '@watchpost/media/rtsp/server.ts';
import { RtpOutput } from './rtp-output.ts';
import { TcpPlayer } from './tcp-player.ts';
import { picture, ServerBench, sound, TestCamera } from './test-bench.ts';

/** A socket whose other end takes what the test says. */
class FakeSocket extends EventEmitter {
  writableNeedDrain = false;
  readonly written: Uint8Array[] = [];
  corks = 0;
  cork(): void {
    this.corks++;
  }
  uncork(): void {}
  write(bytes: Uint8Array): boolean {
    this.written.push(bytes);
    return !this.writableNeedDrain;
  }
}

const track = (trackIndex: number): ServedTrack => ({
  trackIndex,
  rtpChannel: 2 * trackIndex,
  rtcpChannel: 2 * trackIndex + 1,
  lower: 'tcp',
});

async function setUp() {
  const bench = await ServerBench.open();
  const stream = await bench.define('gate');
  const camera = new TestCamera(stream, bench.clock, [picture, sound]);
  camera.play(30);
  const output = new RtpOutput(stream, { clock: bench.clock, maxPacketBytes: 65_535, onEnd: () => {} });
  const ends: string[] = [];
  const player = () => {
    const socket = new FakeSocket();
    const { counts } = bench;
    const own = new TcpPlayer(socket as unknown as Socket, { counts, onEnd: ({ code }) => ends.push(code) });
    return { socket, player: own };
  };
  return { bench, camera, output, player, ends };
}

test('nothing is sent before the answer to PLAY; then a report, the cached pictures, and what comes', async () => {
  const { bench, camera, output, player } = await setUp();
  await using _ = bench;
  const { socket, player: one } = player();
  const [position] = one.open(output, [track(0)]);
  camera.play(1);
  assert.equal(socket.written.length, 0);
  one.start();
  assert.equal(socket.written.length, 1 + 5 + 1);
  const [report, first] = socket.written;
  assert.deepEqual([report![1], report![5]], [1, 200], 'channel of RTCP, a sender report');
  const at = 4 + ((first![2]! << 8) | first![3]!);
  const view = new DataView(first!.buffer, first!.byteOffset + at);
  assert.equal(view.getUint16(6), position!.sequence);
  const timestamp = view.getUint32(8);
  assert.equal((timestamp - position!.rtpTime) | 0, 9000, 'what is shown first is not before the beginning');
  camera.play(1);
  assert.equal(socket.written.length, 8);
});

test('two players that keep up get the very same bytes, in one write each', async () => {
  const { bench, camera, output, player } = await setUp();
  await using _ = bench;
  const all = [player(), player()];
  for (const { player: one } of all) {
    one.open(output, [track(0)]);
    one.start();
  }
  const [a, b] = all.map(({ socket }) => socket);
  const corks = a!.corks;
  camera.play(1);
  assert.equal(a!.written.at(-1), b!.written.at(-1));
  assert.equal(a!.corks, corks, 'a single picture needs no cork');
});

test('a socket that takes nothing gets nothing more until it drains, then everything in one go', async () => {
  const { bench, camera, output, player } = await setUp();
  await using _ = bench;
  const { socket, player: one } = player();
  one.open(output, [track(0)]);
  one.start();
  socket.writableNeedDrain = true;
  camera.play(1);
  const before = socket.written.length;
  camera.play(50);
  assert.equal(socket.written.length, before);
  socket.writableNeedDrain = false;
  socket.emit('drain');
  assert.equal(socket.written.length, before + 50);
});

test('a player far behind goes on at a key picture; one that is stuck is cut; others lose nothing', async () => {
  const { bench, camera, output, player, ends } = await setUp();
  await using _ = bench;
  const slow = player();
  const quick = player();
  for (const { player: one } of [slow, quick]) {
    one.open(output, [track(0)]);
    one.start();
  }
  slow.socket.writableNeedDrain = true;
  camera.play(1);
  const before = slow.socket.written.length;
  const quickBefore = quick.socket.written.length;
  camera.play(25 * 20);
  slow.socket.writableNeedDrain = false;
  slow.socket.emit('drain');
  const resumed = slow.socket.written.slice(before);
  assert.ok(resumed.length > 0 && resumed.length < 25 * 11, `${resumed.length}`);
  const media = resumed[0]!;
  assert.equal(media[media[1] === 1 ? 4 + ((media[2]! << 8) | media[3]!) + 16 : 16], 0x65, 'a key picture');
  assert.equal(quick.socket.written.length - quickBefore, 25 * 20);
  slow.socket.writableNeedDrain = true;
  camera.play(25 * 40);
  assert.deepEqual(ends, ['READER_STUCK']);
});

test('a track that is given up is sent no more, the others lose nothing and repeat nothing', async () => {
  const { bench, camera, output, player } = await setUp();
  await using _ = bench;
  const { socket, player: one } = player();
  const other = player();
  const begin = (it: TcpPlayer) => {
    it.open(output, [track(0), track(1)]);
    it.start();
  };
  begin(one);
  one.drop(1);
  begin(other.player);
  const [before, otherBefore] = [socket.written.length, other.socket.written.length];
  camera.play(3);
  assert.equal(socket.written.length, before + 3);
  assert.equal(other.socket.written.length, otherBefore + 3);
  one.drop(0);
  camera.play(3);
  assert.equal(socket.written.length, before + 3);
  assert.equal(other.socket.written.length, otherBefore + 6);
  assert.equal(bench.counts.players, 2);
});

test('only tracks that were set up are sent; PAUSE stops, PLAY begins anew', async () => {
  const { bench, camera, output, player } = await setUp();
  await using _ = bench;
  const other = player();
  other.player.open(output, [track(0)]);
  other.player.start();
  const { socket, player: one } = player();
  one.open(output, [track(1)]);
  one.start();
  camera.play(5);
  assert.equal(socket.written.length, 0);
  const before = other.socket.written.length;
  other.player.stop();
  camera.play(5);
  assert.equal(other.socket.written.length, before);
  assert.equal(bench.counts.players, 1);
  assert.equal(other.player.open(output, [track(0)]).length, 1);
  other.player.start();
  assert.ok(other.socket.written.length > before);
});
