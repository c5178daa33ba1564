/**
 * Latency that the server adds from RTSP to HTTP-FLV: many cameras, one viewer for each, the time from a picture's leaving
 * the camera to its tag at the viewer; medians over runs. The way over two sockets of loopback is in it.
 *
 *   node bench/flv-latency.ts [--streams 300] [--runs 3] [--seconds 10]
 */
import type { ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { reportFigures } from './budgets.ts';
import { median, pause, start, stop } from './measure.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '300' },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
  },
});
const streams = Number(values.streams);
const seconds = Number(values.seconds);
const cameraPort = 19_755;
const httpPort = 18_195;
const here = new URL('.', import.meta.url).pathname;
const connectMs = 4000;

interface Latency {
  readonly pictures: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

async function measureOnce(): Promise<Latency> {
  const args = [`${here}cameras.ts`, '--port', `${cameraPort}`, '--seconds', `${seconds + 90}`];
  const camera = await start(process.execPath, args, /cameras on/);
  try {
    const urls = Array.from({ length: streams }, (_, i) => `rtsp://127.0.0.1:${cameraPort}/cam${i}`);
    await using _server = await startServer({ urls, record: false, port: httpPort });
    await pause(connectMs);
    const asked = ['--streams', `${streams}`, '--seconds', `${seconds}`];
    const viewers = await start(process.execPath, [`${here}flv-latency-viewers.ts`, `${httpPort}`, ...asked], /ready/);
    return await readLatency(viewers);
  } finally {
    await stop(camera, 'SIGKILL');
  }
}

function readLatency(viewers: ChildProcess): Promise<Latency> {
  return new Promise((resolve, reject) => {
    let text = '';
    viewers.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const numbers = /latency (\d+) ([\d.]+) ([\d.]+) ([\d.]+)/.exec(text)?.slice(1).map(Number);
      if (numbers) resolve({ pictures: numbers[0]!, p50: numbers[1]!, p99: numbers[2]!, max: numbers[3]! });
    });
    viewers.once('exit', () => reject(new Error('the viewers ended early')));
  });
}

const results: Latency[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  const result = await measureOnce();
  const expected = streams * seconds * 25;
  if (result.pictures < expected * 0.95) throw new Error(`${result.pictures} of ${expected} pictures came`);
  results.push(result);
  const { pictures, p50, p99, max } = result;
  console.log(`run ${run + 1}: ${pictures} pictures, p50 ${p50} ms, p99 ${p99} ms, longest ${max} ms`);
}
reportFigures('flv-latency', {
  p50_ms: median(results.map(({ p50 }) => p50)),
  p99_ms: median(results.map(({ p99 }) => p99)),
});
