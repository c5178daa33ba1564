/**
 * One RTSP camera shown to many HTTP-FLV viewers, each frame by itself and merged to 200 ms, against the bare prototype,
 * in interleaved runs; medians.
 *
 *   node bench/flv.ts [--viewers 500] [--runs 5] [--seconds 10]
 */
import type { ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { reportFigures } from './budgets.ts';
import { type Load, measure, median, pause, showCores, start, steadyAfterMs, stop } from './measure.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    viewers: { type: 'string', default: '500' },
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
  },
});
const viewers = Number(values.viewers);
const seconds = Number(values.seconds);
const cameraPort = 19555;
const httpPort = 18095;
const here = new URL('.', import.meta.url).pathname;
/** Until the camera plays. */
const connectMs = 3000;
const mergeMs = 200;
const leastKbps = 900;

async function withCamera<T>(run: () => Promise<T>): Promise<T> {
  const args = [`${here}cameras.ts`, '--port', `${cameraPort}`, '--seconds', `${seconds + 60}`];
  const camera = await start(process.execPath, args, /cameras on/);
  try {
    return await run();
  } finally {
    await stop(camera, 'SIGKILL');
  }
}

/** CPU of `pid` while all viewers get the whole stream. */
async function watch(pid: number, path: string): Promise<Load> {
  const url = `http://127.0.0.1:${httpPort}${path}`;
  const length = ['--viewers', `${viewers}`, '--seconds', `${seconds + steadyAfterMs / 1000}`];
  const load = await start(process.execPath, [`${here}flv-viewers.ts`, url, ...length], /ready/);
  const rates = readRates(load);
  await pause(steadyAfterMs);
  const result = await measure(pid, seconds);
  const [least] = await rates;
  if (least < leastKbps)
    throw new Error(`one viewer got ${least} kbit/s only: the figure would be of another workload`);
  return result;
}

function readRates(load: ChildProcess): Promise<[number, number]> {
  return new Promise((resolve, reject) => {
    let text = '';
    load.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const match = /kbps (\d+) (\d+)/.exec(text);
      if (match) resolve([Number(match[1]), Number(match[2])]);
    });
    load.once('exit', () => reject(new Error('the viewers ended early')));
  });
}

async function measureBaseline(merge: number) {
  const args = [`${here}baseline/flv.ts`, `${cameraPort}`, `${httpPort}`, `${merge}`];
  const child = await start(process.execPath, args, /ready/);
  try {
    return await watch(child.pid!, '/');
  } finally {
    await stop(child);
  }
}

async function measureServer(merge: number) {
  const urls = [`rtsp://127.0.0.1:${cameraPort}/cam0`];
  const more = `[protocols.flv]\nmerge_writes = "${merge}ms"\n`;
  await using server = await startServer({ urls, record: false, port: httpPort, more });
  await pause(connectMs);
  return await watch(server.process.pid!, '/flv/cam0.flv');
}

const bare: number[] = [];
const each: number[] = [];
const merged: number[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  const floor = await withCamera(() => measureBaseline(0));
  const ours = await withCamera(() => measureServer(0));
  const less = await withCamera(() => measureServer(mergeMs));
  bare.push(floor.cores);
  each.push(ours.cores);
  merged.push(less.cores);
  const show = (load: Load) => `${showCores(load)}, ${load.rssMb.toFixed(0)} MB`;
  console.log(`run ${run + 1}: bare ${show(floor)}; server ${show(ours)}; merged to ${mergeMs} ms ${show(less)}`);
}
reportFigures('flv', {
  cores_for_500: (median(each) / viewers) * 500,
  ratio_to_bare: median(each) / median(bare),
  cores_for_500_merged: (median(merged) / viewers) * 500,
});
