/**
 * Cameras pulled and recorded, flushed to disk each second; CPU, and bytes on disk against media bytes.
 *
 *   node bench/record.ts [--cameras 300] [--runs 5] [--seconds 20] [--dir /folder/on/the/disk]
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { reportFigures } from './budgets.ts';
import { measure, median, pause, start, stop } from './measure.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    cameras: { type: 'string', default: '300' },
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '20' },
    dir: { type: 'string' },
  },
});
const count = Number(values.cameras);
const seconds = Number(values.seconds);
const port = 19555;
const here = new URL('.', import.meta.url).pathname;

async function run(): Promise<{ cores: number; rssMb: number; overhead: number }> {
  const cameras = await start(
    process.execPath,
    [`${here}cameras.ts`, '--port', `${port}`, '--seconds', `${seconds + 90}`],
    /cameras on/,
  );
  try {
    const urls = Array.from({ length: count }, (_, i) => `rtsp://127.0.0.1:${port}/cam${i}`);
    await using server = await startServer({
      urls,
      record: true,
      port: 18081,
      ...(values.dir && { parentDir: values.dir }),
    });
    await pause(10_000);
    const before = await sizes(server.dir, server.port);
    const result = await measure(server.process.pid!, seconds);
    const after = await sizes(server.dir, server.port);
    return { ...result, overhead: (after.disk - before.disk) / (after.media - before.media) };
  } finally {
    await stop(cameras, 'SIGKILL');
  }
}

/** Bytes of all .mp4 files, and of RTP payload received (headers taken off: 12 bytes a packet and 2 of each FU-A). */
async function sizes(dir: string, httpPort: number): Promise<{ disk: number; media: number }> {
  const listing = execFileSync('find', [`${dir}/video`, '-name', '*.mp4', '-printf', '%s\n'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const disk = listing.split('\n').reduce((sum, line) => sum + Number(line), 0);
  let media = 0;
  for (let i = 0; i < count; i++) {
    const stats = (await (await fetch(`http://127.0.0.1:${httpPort}/api/v1/streams/cam${i}/stats`)).json()) as {
      bytes: number;
      packets: number;
    };
    media += stats.bytes - stats.packets * 14;
  }
  return { disk, media };
}

const results: { cores: number; rssMb: number; overhead: number }[] = [];
for (let i = 0; i < Number(values.runs); i++) {
  const result = await run();
  results.push(result);
  console.log(
    `run ${i + 1}: ${result.cores.toFixed(3)} cores, ${result.rssMb.toFixed(0)} MB, disk/media ${result.overhead.toFixed(4)}`,
  );
}
reportFigures('record', {
  cores_for_300: (median(results.map((result) => result.cores)) / count) * 300,
  disk_bytes_to_media_bytes: median(results.map((result) => result.overhead)),
});
