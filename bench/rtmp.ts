/**
 * RTMP against the bare prototype, in interleaved runs; medians: 100 encoders of 1 Mbit/s, one encoder for 500 players,
 * one for 500 HTTP-FLV viewers (without a prototype: that of bench/flv.ts has the same work), and how long a frame is
 * under way from an encoder to a player (one of each, in two processes). With `--nginx` Debian's nginx and its RTMP module
 * (libnginx-mod-rtmp) do the first two in the same runs.
 *
 *   node bench/rtmp.ts [--publishers 100] [--players 500] [--runs 5] [--seconds 10] [--nginx]
 */
import type { ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { reportFigures } from './budgets.ts';
import { type Load, measure, median, pause, showCores, start, steadyAfterMs, stop } from './measure.ts';
import { hasNginx, withNginx } from './nginx.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    publishers: { type: 'string', default: '100' },
    players: { type: 'string', default: '500' },
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
    nginx: { type: 'boolean', default: false },
  },
});
if (values.nginx && !hasNginx)
  throw new Error('nginx or its RTMP module is missing: apt-get install libnginx-mod-rtmp');
const publishers = Number(values.publishers);
const players = Number(values.players);
const seconds = Number(values.seconds);
const port = 19_735;
const httpPort = port + 2;
const here = new URL('.', import.meta.url).pathname;
/** Encoders send 2500 frames a second: past the first seconds, in which code is compiled and each read is of one picture. */
const publishersSettleMs = 10_000;
/** What players count is up to a second old. */
const leastKbps = 800;

type Work = (pid: number) => Promise<Load>;

function load(args: readonly string[], ready: RegExp): Promise<ChildProcess> {
  return start(process.execPath, [`${here}rtmp-load.ts`, ...args], ready);
}

const takePublishers: Work = async (pid) => {
  const encoders = await load(['publish', `${publishers}`, `${port}`], /publishing/);
  try {
    await pause(publishersSettleMs);
    return await measure(pid, seconds);
  } finally {
    await stop(encoders, 'SIGKILL');
  }
};

/** One encoder, so many players; what `of` makes of CPU and delays. */
async function fanOut(pid: number, count: number): Promise<Load & { p50: number; p99: number }> {
  const encoder = await load(['publish', '1', `${port}`], /publishing/);
  await pause(2500);
  const viewers = await load(['play', `${count}`, `${port}`, 'cam0'], /playing/);
  const last = lastLine(viewers);
  try {
    await pause(steadyAfterMs);
    const before = last();
    const load = await measure(pid, seconds);
    const [bytes, p50, p99] = last();
    const kbps = ((bytes - before[0]) * 8) / 1000 / seconds;
    if (kbps < leastKbps) throw new Error(`one player got ${kbps.toFixed(0)} kbit/s only: that is another workload`);
    return { ...load, p50, p99 };
  } finally {
    await stop(viewers, 'SIGKILL');
    await stop(encoder, 'SIGKILL');
  }
}

/** One encoder, so many HTTP-FLV viewers. */
async function showAsFlv(pid: number): Promise<Load> {
  const encoder = await load(['publish', '1', `${port}`], /publishing/);
  await pause(2500);
  const url = `http://127.0.0.1:${httpPort}/flv/cam0.flv`;
  const length = ['--viewers', `${players}`, '--seconds', `${seconds + steadyAfterMs / 1000}`];
  const viewers = await start(process.execPath, [`${here}flv-viewers.ts`, url, ...length], /ready/);
  const rates = new Promise<string>((resolve) =>
    viewers.stdout!.on('data', (text: Buffer) => resolve(text.toString())),
  );
  try {
    await pause(steadyAfterMs);
    const load = await measure(pid, seconds);
    const kbps = Number(/kbps (\d+)/.exec(await rates)?.[1]);
    if (!(kbps >= leastKbps)) throw new Error(`one viewer got ${kbps} kbit/s only: that is another workload`);
    return load;
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
  await using server = await startServer({ urls: [], record: false, port: httpPort, more });
  await pause(1000);
  return await work(server.process.pid!);
}

const loads: Record<'bareTake' | 'nginxTake' | 'take' | 'bareShow' | 'nginxShow' | 'show' | 'showAsFlv', Load[]> = {
  ...{ bareTake: [], nginxTake: [], take: [] },
  ...{ bareShow: [], nginxShow: [], show: [], showAsFlv: [] },
};
const delays: Record<'p50' | 'p99', number[]> = { p50: [], p99: [] };
for (let run = 0; run < Number(values.runs); run++) {
  loads.bareTake.push(await withBaseline(takePublishers));
  if (values.nginx) loads.nginxTake.push(await withNginx(port, takePublishers));
  loads.take.push(await withServer(takePublishers));
  loads.bareShow.push(await withBaseline((pid) => fanOut(pid, players)));
  if (values.nginx) loads.nginxShow.push(await withNginx(port, (pid) => fanOut(pid, players)));
  loads.show.push(await withServer((pid) => fanOut(pid, players)));
  loads.showAsFlv.push(await withServer(showAsFlv));
  const { p50, p99 } = await withServer((pid) => fanOut(pid, 1));
  delays.p50.push(p50);
  delays.p99.push(p99);
  const measured = Object.entries(loads).filter(([, all]) => all.length > 0);
  const shown = measured.map(([name, all]) => `${name} ${showCores(all.at(-1)!)}`);
  console.log(`run ${run + 1}: ${shown.join(', ')}; p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
}
const cores = (name: keyof typeof loads) => median(loads[name].map((load) => load.cores));
reportFigures('rtmp', {
  cores_for_100_publishers: (cores('take') / publishers) * 100,
  publishers_ratio_to_bare: cores('take') / cores('bareTake'),
  ...(values.nginx && { publishers_ratio_to_nginx: cores('take') / cores('nginxTake') }),
  cores_for_500_players: (cores('show') / players) * 500,
  players_ratio_to_bare: cores('show') / cores('bareShow'),
  ...(values.nginx && { players_ratio_to_nginx: cores('show') / cores('nginxShow') }),
  cores_for_500_flv_viewers: (cores('showAsFlv') / players) * 500,
  delay_p50_ms: median(delays.p50),
  delay_p99_ms: median(delays.p99),
});
