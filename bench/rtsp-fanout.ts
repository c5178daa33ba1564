/**
 * One camera of 1 Mbit/s for many RTSP players over TCP, against the bare prototype, in interleaved runs; medians. No
 * player may lose a packet.
 *
 *   node bench/rtsp-fanout.ts [--players 1000] [--runs 5] [--seconds 10]
 */
import type { ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { reportFigures } from './budgets.ts';
import { type Load, measure, median, pause, showCores, start, stop } from './measure.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    players: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
  },
});
const count = Number(values.players);
const seconds = Number(values.seconds);
const cameraPort = 19_654;
const port = 19_655;
const here = new URL('.', import.meta.url).pathname;
const settleMs = 3000;

interface Result extends Load {
  readonly packets: number;
  readonly missing: number;
  readonly closed: number;
}

async function withCamera(run: () => Promise<Result>): Promise<Result> {
  const args = [`${here}cameras.ts`, '--port', `${cameraPort}`, '--seconds', `${seconds + 60}`];
  const camera = await start(process.execPath, args, /cameras on/);
  try {
    return await run();
  } finally {
    await stop(camera, 'SIGKILL');
  }
}

/** What it costs the process to serve the players, and what they got. */
async function play(pid: number): Promise<Result> {
  const args = [`${here}rtsp-players.ts`, `${count}`, `${port}`, '/live/cam0', `${seconds + 60}`];
  const players = await start(process.execPath, args, /playing/);
  const counted = lastLine(players);
  await pause(settleMs);
  const [before] = counted();
  const load = await measure(pid, seconds);
  const [packets, missing, closed] = counted();
  await stop(players, 'SIGKILL');
  return { ...load, packets: (packets - before) / count / seconds, missing, closed };
}

function lastLine(child: ChildProcess): () => [packets: number, missing: number, closed: number] {
  let last = [0, 0, 0] as [number, number, number];
  child.stdout!.on('data', (text: Buffer) => {
    const lines = [...text.toString().matchAll(/(\d+) (\d+) (\d+)\n/g)];
    const found = lines.at(-1);
    if (found) last = [Number(found[1]), Number(found[2]), Number(found[3])];
  });
  return () => last;
}

async function measureBaseline(): Promise<Result> {
  const child = await start(process.execPath, [`${here}baseline/rtsp-fanout.ts`, `${cameraPort}`, `${port}`], /ready/);
  try {
    await pause(settleMs);
    return await play(child.pid!);
  } finally {
    await stop(child);
  }
}

async function measureServer(): Promise<Result> {
  await using server = await startServer({
    urls: [`rtsp://127.0.0.1:${cameraPort}/cam0`],
    record: false,
    port: 18_081,
    more: `[protocols.rtsp]\nbind = "127.0.0.1:${port}"`,
  });
  await pause(settleMs);
  return await play(server.process.pid!);
}

const bare: number[] = [];
const ours: number[] = [];
let lost = 0;
for (let run = 0; run < Number(values.runs); run++) {
  const floor = await withCamera(measureBaseline);
  const server = await withCamera(measureServer);
  bare.push(floor.cores);
  ours.push(server.cores);
  lost += server.missing + server.closed;
  console.log(
    `run ${run + 1}: bare ${showCores(floor)}, server ${showCores(server)}; each player got ` +
      `${server.packets.toFixed(1)} packets/s (bare ${floor.packets.toFixed(1)}), ${server.missing} missing, ${server.closed} closed`,
  );
}
reportFigures('rtsp-fanout', {
  cores_for_1000: (median(ours) / count) * 1000,
  ratio_to_bare: median(ours) / median(bare),
  packets_lost: lost,
});
