import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { ServerBench, until } from './test-bench.ts';

const cookie = 'x-sessioncookie: abc\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n';
const options = 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n';
const announce = 'ANNOUNCE rtsp://127.0.0.1/live/new RTSP/1.0\r\nCSeq: 2\r\nContent-Type: application/sdp\r\n';
const long = 'x'.repeat(500);

interface Vandal {
  readonly name: string;
  /** Sent at once. */
  readonly first: string;
  /** Sent one byte a second. */
  readonly drip?: string;
  /** The client hangs up after `first`. */
  readonly leaves?: boolean;
  /** Within so many seconds of the bench's clock the server closes. */
  readonly withinSeconds: number;
}

const vandals: readonly Vandal[] = [
  { name: 'nothing at all', first: '', withinSeconds: 11 },
  { name: 'a request', first: '', drip: `DESCRIBE rtsp://127.0.0.1/live/gate RTSP/1.0\r\n${long}`, withinSeconds: 11 },
  { name: 'a head of HTTP', first: '', drip: `GET /live/gate HTTP/1.1\r\n${long}`, withinSeconds: 11 },
  { name: 'noise', first: '', drip: '\0'.repeat(500), withinSeconds: 11 },
  { name: 'a second request', first: options, drip: `SETUP ${long}`, withinSeconds: 61 },
  { name: 'a body', first: `${options}${announce}Content-Length: 500\r\n\r\n`, drip: long, withinSeconds: 61 },
  { name: 'bytes on the GET half', first: `GET /live/gate HTTP/1.0\r\n${cookie}`, drip: long, withinSeconds: 11 },
  { name: 'a POST half without GET', first: `POST /live/gate HTTP/1.0\r\n${cookie}`, drip: long, withinSeconds: 11 },
  { name: 'half of a request, then its end', first: 'DESCRIBE rtsp://127', leaves: true, withinSeconds: 1 },
  { name: 'half of a head, then its end', first: 'GET /live/gate HT', leaves: true, withinSeconds: 1 },
  { name: 'half of a frame, then its end', first: `${options}$\0\xff\xff`, leaves: true, withinSeconds: 1 },
  { name: 'requests without a pause', first: options.repeat(300), withinSeconds: 1 },
  { name: 'empty lines without end', first: `${options}${'\r\n'.repeat(1_000_000)}`, withinSeconds: 1 },
  { name: 'a head of HTTP without end', first: `GET /${'x'.repeat(300_000)}`, withinSeconds: 1 },
  // What is no RTSP is passed over, as from cameras that garble; a megabyte of it ends the connection.
  { name: 'a long line', first: `DESCRIBE rtsp://${'x'.repeat(300_000)}`, withinSeconds: 11 },
  { name: 'a line without end', first: `DESCRIBE rtsp://${'x'.repeat(2_000_000)}`, withinSeconds: 8 },
  { name: 'headers without end', first: `${options.slice(0, -2)}${'A: b\r\n'.repeat(500_000)}`, withinSeconds: 8 },
  { name: 'a body of gigabytes', first: `${announce}Content-Length: 9999999999\r\n\r\n`, withinSeconds: 11 },
];

test('slow, half and endless input ends by its time-out or at once, and a viewer misses nothing', async () => {
  await using bench = await ServerBench.open();
  const camera = await bench.online('gate');
  const viewer = await bench.connect();
  await viewer.play();
  const clients = vandals.map((vandal) => ({ vandal, ...connect(bench.port, vandal) }));
  await until(() => clients.every(({ socket, state }) => !socket.connecting || state.closed));
  // The server reads what they said before the bench's clock runs.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const rssBefore = process.memoryUsage().rss;
  for (let second = 0; second <= 63; second++) {
    for (const client of clients) {
      if (second > client.vandal.withinSeconds + 1) await until(() => client.state.closed, 10_000);
      const { drip = '' } = client.vandal;
      if (!client.state.closed && second < drip.length) client.socket.write(drip[second]!, 'latin1');
    }
    const frames = viewer.frames.length;
    camera.play(25);
    await until(() => viewer.frames.length >= frames + 25);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(!viewer.closed);
  assert.ok(process.memoryUsage().rss - rssBefore < 100 * 1024 * 1024);
  await until(() => bench.listener.connections === 1);
});

function connect(port: number, { first, leaves }: Vandal): { socket: net.Socket; state: { closed: boolean } } {
  const state = { closed: false };
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.on('close', () => {
    state.closed = true;
  });
  socket.resume();
  if (first !== '') socket.write(first, 'latin1');
  if (leaves) socket.end();
  return { socket, state };
}
