/**
 * RTMP against the bare prototype, in interleaved runs; medians: 100 encoders of 1 Mbit/s, one encoder for 500 players,
 * and how long a frame is under way from an encoder to a player (one of each, in two processes).
 *
 *   node bench/rtmp.ts [--publishers 100] [--players 500] [--runs 5] [--seconds 10]
 */
import type { ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { reportFigures } from './budgets.ts';
import { measure, median, pause, start, stop } from './measure.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    publishers: { type: 'string', default: '100' },
    players: { type: 'string', default: '500' },
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
  },
});
const publishers = Number(values.publishers);
const players = Number(values.players);
const seconds = Number(values.seconds);
const port = 19_735;
const here = new URL('.', import.meta.url).pathname;
/** Past the first seconds, in which code is compiled and each read is of one picture. */
const settleMs = 10_000;
/** What players count is up to a second old. */
const leastKbps = 800;

type Work = (pid: number) => Promise<number>;

function load(args: readonly string[], ready: RegExp): Promise<ChildProcess> {
  return start(process.execPath, [`${here}rtmp-load.ts`, ...args], ready);
}

const takePublishers: Work = async (pid) => {
  const encoders = await load(['publish', `${publishers}`, `${port}`], /publishing/);
  try {
    await pause(settleMs);
    return (await measure(pid, seconds)).cores;
  } finally {
    await stop(encoders, 'SIGKILL');
  }
};

/** One encoder, so many players; what `of` makes of CPU and delays. */
async function fanOut(pid: number, count: number): Promise<{ cores: number; p50: number; p99: number }> {
  const encoder = await load(['publish', '1', `${port}`], /publishing/);
  await pause(2500);
  const viewers = await load(['play', `${count}`, `${port}`, 'cam0'], /playing/);
  const last = lastLine(viewers);
  try {
    await pause(settleMs);
    const before = last();
    const { cores } = await measure(pid, seconds);
    const [bytes, p50, p99] = last();
    const kbps = ((bytes - before[0]) * 8) / 1000 / seconds;
    if (kbps < leastKbps) throw new Error(`one player got ${kbps.toFixed(0)} kbit/s only: that is another workload`);
    return { cores, p50, p99 };
  } finally {
    await stop(viewers, 'SIGKILL');
    await stop(encoder, 'SIGKILL');
  }
}

function lastLine(child: ChildProcess): () => [bytes: number, p50: number, p99: number] {
  let last: [number, number, number] = [0, Number.NaN, Number.NaN];
  child.stdout!.on('data', (text: Buffer) => {
    const found = [...text.toString().matchAll(/(\d+) ([\d.]+|NaN) ([\d.]+|NaN)\n/g)].at(-1);
    if (found) last = [Number(found[1]), Number(found[2]), Number(found[3])];
  });
  return () => last;
}

async function withBaseline<T>(work: (pid: number) => Promise<T>): Promise<T> {
  const child = await start(process.execPath, [`${here}baseline/rtmp.ts`, `${port}`], /ready/);
  try {
    return await work(child.pid!);
  } finally {
    await stop(child);
  }
}

async function withServer<T>(work: (pid: number) => Promise<T>): Promise<T> {
  const more = `[protocols.rtmp]\nbind = "127.0.0.1:${port}"\n[protocols.rtsp]\nbind = "127.0.0.1:${port + 1}"\n`;
  await using server = await startServer({ urls: [], record: false, port: port + 2, more });
  await pause(1000);
  return await work(server.process.pid!);
}

const figures: Record<'bareTake' | 'take' | 'bareShow' | 'show' | 'p50' | 'p99', number[]> = {
  ...{ bareTake: [], take: [], bareShow: [] },
  ...{ show: [], p50: [], p99: [] },
};
for (let run = 0; run < Number(values.runs); run++) {
  figures.bareTake.push(await withBaseline(takePublishers));
  figures.take.push(await withServer(takePublishers));
  figures.bareShow.push((await withBaseline((pid) => fanOut(pid, players))).cores);
  figures.show.push((await withServer((pid) => fanOut(pid, players))).cores);
  const { p50, p99 } = await withServer((pid) => fanOut(pid, 1));
  figures.p50.push(p50);
  figures.p99.push(p99);
  const shown = Object.entries(figures).map(([name, all]) => `${name} ${all.at(-1)!.toFixed(3)}`);
  console.log(`run ${run + 1}: ${shown.join(', ')}`);
}
reportFigures('rtmp', {
  cores_for_100_publishers: (median(figures.take) / publishers) * 100,
  publishers_ratio_to_bare: median(figures.take) / median(figures.bareTake),
  cores_for_500_players: (median(figures.show) / players) * 500,
  players_ratio_to_bare: median(figures.show) / median(figures.bareShow),
  delay_p50_ms: median(figures.p50),
  delay_p99_ms: median(figures.p99),
});
