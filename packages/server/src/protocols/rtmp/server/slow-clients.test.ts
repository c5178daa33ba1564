import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { RtmpServerBench, until } from './test-bench.ts';

const handshake = Buffer.alloc(1537, 0x11);
handshake[0] = 3;
handshake.fill(0, 5, 9);

/** `first` is sent at once, `drip` one byte a second; within so many seconds of the bench's clock the server closes. */
const vandals: readonly { name: string; first: Buffer; drip?: Buffer; leaves?: boolean; withinSeconds: number }[] = [
  { name: 'nothing at all', first: Buffer.alloc(0), withinSeconds: 11 },
  { name: 'a handshake', first: Buffer.alloc(0), drip: handshake, withinSeconds: 11 },
  { name: 'the answer to a handshake', first: handshake, drip: Buffer.alloc(1536), withinSeconds: 11 },
  { name: 'half of a handshake, then its end', first: handshake.subarray(0, 700), leaves: true, withinSeconds: 1 },
  {
    name: 'a command',
    first: Buffer.concat([handshake, Buffer.alloc(1536)]),
    drip: Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 1, 0, 0x14, 0, 0, 0, 0]), Buffer.alloc(256)]),
    withinSeconds: 11,
  },
  {
    name: 'a message of 16 MB and no end of others, on many chunk streams',
    first: Buffer.concat([
      ...[handshake, Buffer.alloc(1536)],
      ...Array.from({ length: 60 }, (_, i) =>
        Buffer.concat([Buffer.from([3 + i, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0]), Buffer.alloc(128)]),
      ),
    ]),
    withinSeconds: 11,
  },
  { name: 'noise', first: Buffer.alloc(500_000, 0xab), withinSeconds: 8 },
];

test('slow, half and endless input ends by its time-out or at once, and a viewer misses nothing', async () => {
  await using bench = await RtmpServerBench.open();
  await bench.define('gate');
  const publisher = bench.connect('publish', 'gate');
  await until(() => publisher.active);
  publisher.begin();
  publisher.play(3);
  const viewer = bench.connect('play', 'gate');
  await until(() => viewer.active);
  const clients = vandals.map((vandal) => ({ ...vandal, ...connect(bench.port, vandal) }));
  await until(() => clients.every(({ socket, state }) => !socket.connecting || state.closed));
  const rssBefore = process.memoryUsage().rss;
  for (let second = 0; second <= 13; second++) {
    for (const client of clients) {
      if (second > client.withinSeconds + 1) await until(() => client.state.closed, 10_000);
      const { drip } = client;
      if (!client.state.closed && drip !== undefined) client.socket.write(drip.subarray(second, second + 1));
    }
    const seen = viewer.media.length;
    publisher.play(10);
    await until(() => viewer.media.length >= seen + 10);
    bench.clock.advance(1000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(!viewer.closed && !publisher.closed);
  assert.ok(process.memoryUsage().rss - rssBefore < 100 * 1024 * 1024);
});

function connect(
  port: number,
  { first, leaves }: { first: Buffer; leaves?: boolean },
): { socket: net.Socket; state: { closed: boolean } } {
  const state = { closed: false };
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.on('close', () => {
    state.closed = true;
  });
  socket.resume();
  if (first.length > 0) socket.write(first);
  if (leaves) socket.end();
  return { socket, state };
}
