/**
 * Cameras pulled with nobody watching, against the bare prototype, in interleaved runs; medians.
 *
 *   node bench/pull.ts [--cameras 1000] [--runs 5] [--seconds 10]
 */
import { parseArgs } from 'node:util';
import { reportFigures } from './budgets.ts';
import { measure, median, pause, start, stop } from './measure.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    cameras: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
  },
});
const count = Number(values.cameras);
const seconds = Number(values.seconds);
const port = 19554;
const here = new URL('.', import.meta.url).pathname;
const settleMs = 6000;

async function withCameras<T>(run: () => Promise<T>): Promise<T> {
  const cameras = await start(
    process.execPath,
    [`${here}cameras.ts`, '--port', `${port}`, '--seconds', `${seconds + 90}`],
    /cameras on/,
  );
  try {
    return await run();
  } finally {
    await stop(cameras, 'SIGKILL');
  }
}

async function measureBaseline() {
  const child = await start(process.execPath, [`${here}baseline/pull.ts`, `${count}`, `${port}`], /ready/);
  await pause(settleMs);
  const result = await measure(child.pid!, seconds);
  await stop(child);
  return result;
}

async function measureServer() {
  const urls = Array.from({ length: count }, (_, i) => `rtsp://127.0.0.1:${port}/cam${i}`);
  await using server = await startServer({ urls, record: false, port: 18080 });
  for (let tries = 0; (await online(server.port)) < count; tries++) {
    if (tries > 60) throw new Error('not all cameras came online');
    await pause(500);
  }
  await pause(settleMs);
  const result = await measure(server.process.pid!, seconds);
  return { ...result, online: await online(server.port) };
}

async function online(httpPort: number): Promise<number> {
  const health = (await (await fetch(`http://127.0.0.1:${httpPort}/health`)).json()) as {
    streams?: { online?: number };
  };
  return health.streams?.online ?? 0;
}

const baseline: number[] = [];
const server: { cores: number; rssMb: number }[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  const bare = await withCameras(measureBaseline);
  const ours = await withCameras(measureServer);
  baseline.push(bare.cores);
  server.push(ours);
  console.log(
    `run ${run + 1}: bare ${bare.cores.toFixed(3)} cores, ${bare.rssMb.toFixed(0)} MB; server ${ours.cores.toFixed(3)} cores, ${ours.rssMb.toFixed(0)} MB, ${ours.online} online`,
  );
}
const cores = median(server.map((result) => result.cores));
reportFigures('pull', {
  cores_for_1000: (cores / count) * 1000,
  ratio_to_bare: cores / median(baseline),
  rss_mb_per_1000_over_150: ((median(server.map((result) => result.rssMb)) - 150) / count) * 1000,
});
