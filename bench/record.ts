/**
 * Cameras pulled and recorded, flushed to disk each second; CPU, and bytes on disk against media bytes.
 *
 *   node bench/record.ts [--cameras 300] [--runs 5] [--seconds 20] [--dir /folder/on/the/disk]
 */
import { globSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readSamples, scanFragments } from '@watchpost/media/container/fmp4/demuxer.ts';
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
    const result = await measure(server.process.pid!, seconds);
    await stop(server.process);
    return { ...result, overhead: await overhead(server.dir) };
  } finally {
    await stop(cameras, 'SIGKILL');
  }
}

/** Bytes of files, and of the NAL units in them: those of some cameras, as far as they are written. */
async function overhead(dir: string): Promise<number> {
  let disk = 0;
  let media = 0;
  for (const path of globSync(`${dir}/video/cam{0,1,2,3,4,5,6,7,8,9}/**/*.mp4`)) {
    const bytes = new Uint8Array(readFileSync(path));
    const { tracks, fragments } = await scanFragments((at, length) => bytes.subarray(at, at + length), bytes.length);
    disk += bytes.length;
    for (const { offset, bytes: length } of fragments)
      for (const { units } of readSamples(bytes.subarray(offset, offset + length), tracks))
        media += units.reduce((sum, unit) => sum + unit.length, 0);
  }
  return disk / media;
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
