/**
 * One RTSP camera of 1 Mbit/s shown to many HLS viewers, as MPEG-TS and as fMP4; medians over runs.
 *
 *   node bench/hls.ts [--viewers 100] [--runs 3] [--seconds 10]
 */
import type { ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { reportFigures } from './budgets.ts';
import { measure, median, pause, start, stop } from './measure.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    viewers: { type: 'string', default: '100' },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
  },
});
const viewers = Number(values.viewers);
const seconds = Number(values.seconds);
const cameraPort = 19_855;
const httpPort = 18_295;
const here = new URL('.', import.meta.url).pathname;
const settleMs = 3000;

async function measureOnce(container: 'ts' | 'fmp4'): Promise<number> {
  const args = [`${here}cameras.ts`, '--port', `${cameraPort}`, '--seconds', `${seconds + 60}`];
  const camera = await start(process.execPath, args, /cameras on/);
  try {
    const urls = [`rtsp://127.0.0.1:${cameraPort}/cam0`];
    await using server = await startServer({ urls, record: false, port: httpPort });
    await pause(settleMs);
    const url = `http://127.0.0.1:${httpPort}/hls/cam0/index.m3u8?container=${container}`;
    const more = ['--viewers', `${viewers}`, '--seconds', `${seconds + settleMs / 1000}`];
    const load = await start(process.execPath, [`${here}hls-viewers.ts`, url, ...more], /ready/);
    const least = readLeast(load);
    await pause(settleMs);
    const { cores } = await measure(server.process.pid!, seconds);
    const expected = Math.floor(seconds / 2) - 1;
    if ((await least) < expected)
      throw new Error('one viewer missed segments: the figure would be of another workload');
    return cores;
  } finally {
    await stop(camera, 'SIGKILL');
  }
}

function readLeast(load: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    load.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const match = /segments (\d+)/.exec(text);
      if (match) resolve(Number(match[1]));
    });
    load.once('exit', () => reject(new Error('the viewers ended early')));
  });
}

const ts: number[] = [];
const fmp4: number[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  ts.push(await measureOnce('ts'));
  fmp4.push(await measureOnce('fmp4'));
  console.log(`run ${run + 1}: MPEG-TS ${ts.at(-1)!.toFixed(3)} cores, fMP4 ${fmp4.at(-1)!.toFixed(3)} cores`);
}
reportFigures('hls', {
  cores_for_100_ts: (median(ts) / viewers) * 100,
  cores_for_100_fmp4: (median(fmp4) / viewers) * 100,
});
