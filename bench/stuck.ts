/**
 * 100 viewers over WebSocket, with and without one more that never reads: what that one costs the others and the
 * server. Interleaved runs, medians. Each picture carries the time at which it left the camera.
 *
 *   node bench/stuck.ts [--viewers 100] [--runs 3] [--seconds 8]
 */
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import WebSocket from 'ws';
import { reportFigures } from './budgets.ts';
import { median, pause, start, stop, usage } from './measure.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    viewers: { type: 'string', default: '100' },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
  },
});
const count = Number(values.viewers);
const seconds = Number(values.seconds);
const cameraPort = 19654;
const port = 18083;
/** What waits for the stuck viewer has to grow for a while before it can be seen. */
const settleMs = 4000;

interface Result {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly deliveries: number;
  readonly rssMb: number;
}

async function run(withStuck: boolean): Promise<Result> {
  const cameras = await start(
    process.execPath,
    [`${import.meta.dirname}/cameras.ts`, '--port', `${cameraPort}`, '--seconds', '60', '--kbps', '2000'],
    /cameras on/,
  );
  try {
    await using server = await startServer({ urls: [`rtsp://127.0.0.1:${cameraPort}/cam`], record: false, port });
    await online();
    const stuck = withStuck ? openStuck() : undefined;
    const latencies: number[] = [];
    let measuring = false;
    const viewers = Array.from({ length: count }, () =>
      openViewer((latencyMs) => {
        if (measuring) latencies.push(latencyMs);
      }),
    );
    await pause(settleMs);
    measuring = true;
    await pause(seconds * 1000);
    measuring = false;
    const { rssBytes } = usage(server.process.pid!);
    for (const viewer of viewers) viewer.terminate();
    stuck?.destroy();
    latencies.sort((a, b) => a - b);
    const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
    return { p50Ms: at(0.5), p99Ms: at(0.99), deliveries: latencies.length, rssMb: rssBytes / 1e6 };
  } finally {
    await stop(cameras, 'SIGKILL');
  }
}

function openViewer(onPicture: (latencyMs: number) => void): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/fmp4/cam0`);
  socket.on('error', (error) => console.error('viewer:', error.message));
  socket.on('message', (data: Buffer, isBinary) => {
    const leftMs = isBinary ? stampOf(data) : undefined;
    if (leftMs !== undefined) onPicture(Number(process.hrtime.bigint()) / 1e6 - leftMs);
  });
  return socket;
}

/** Of the first picture of a chunk; undefined for an init segment. Behind `mdat`: length, NAL header, a byte, the time. */
function stampOf(chunk: Buffer): number | undefined {
  const mdat = chunk.indexOf('mdat');
  return mdat < 0 ? undefined : chunk.readDoubleBE(mdat + 4 + 4 + 1 + 1);
}

/** A viewer that says hello and never reads again. */
function openStuck(): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    'GET /fmp4/cam0 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  socket.pause();
  return socket;
}

async function online(): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/streams/cam0`);
    if (((await response.json()) as { state: string }).state === 'online') return;
    await pause(200);
  }
  throw new Error('the camera did not come online');
}

const without: Result[] = [];
const beside: Result[] = [];
const show = ({ p50Ms, p99Ms, deliveries, rssMb }: Result) =>
  `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms of ${deliveries}, ${rssMb.toFixed(0)} MB`;
for (let i = 0; i < Number(values.runs); i++) {
  without.push(await run(false));
  beside.push(await run(true));
  console.log(`run ${i + 1}: without ${show(without.at(-1)!)}; with a stuck one ${show(beside.at(-1)!)}`);
}
const expected = count * 25 * seconds;
reportFigures('stuck', {
  p99_ratio: median(beside.map(({ p99Ms }) => p99Ms)) / median(without.map(({ p99Ms }) => p99Ms)),
  memory_mb: median(beside.map(({ rssMb }) => rssMb)) - median(without.map(({ rssMb }) => rssMb)),
  undelivered_share: 1 - Math.min(1, median(beside.map(({ deliveries }) => deliveries)) / expected),
});
