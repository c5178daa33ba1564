/**
 * What key pictures cost: CPU of recording with and without keeping them beyond their recordings, a stored picture
 * against a decoded one, and one JPEG at 720p with the decoder's process: FFmpeg's, and node-av's where it is installed,
 * against what FFmpeg's libraries alone take for the same picture.
 *
 *   node bench/key-pictures.ts [--cameras 300] [--runs 3] [--only pictures]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { scanFragments } from '@watchpost/media/container/fmp4/demuxer.ts';
import { openDatabase } from '@watchpost/server/catalog/database.ts';
import { unpackFragments } from '@watchpost/server/catalog/fragment-index.ts';
import { SegmentStore } from '@watchpost/server/catalog/segment-store.ts';
import { VolumeStore } from '@watchpost/server/catalog/volume-store.ts';
import { FfmpegDecoder } from '@watchpost/server/decode/ffmpeg.ts';
import type { DecodeJpeg } from '@watchpost/server/decode/jpeg-decoder.ts';
import { hasNodeAv, NodeAvDecoder } from '@watchpost/server/decode/node-av.ts';
import { type CodedPictures, codedPictures } from '@watchpost/server/decode/picture.ts';
import { KeyPictureKeeper } from '@watchpost/server/recorder/key-pictures/key-picture-keeper.ts';
import { KeyPictureReader } from '@watchpost/server/recorder/key-pictures/read-key-pictures.ts';
import { LocalStorage } from '@watchpost/server/storage/local/local-storage.ts';
import { reportFigures } from './budgets.ts';
import { jpegFloor } from './jpeg-floor.ts';
import { measure, median, pause, start, stop, usage } from './measure.ts';
import { evenNames, recordPast } from './recorded-past.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    cameras: { type: 'string', default: '300' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const count = Number(values.cameras);
const port = 19557;
const here = new URL('.', import.meta.url).pathname;
/** Recordings live for an hour, and each camera's key pictures are kept for an hour at a time, as after a week of real ones. */
const lifeSeconds = 3600;
/** Some five cameras of 300 come to the end of their hour. */
const windowSeconds = 60;
/** Of storing and decoding: cores that are shared with others count differently from one second to the next. */
const rounds = 5;
const names = evenNames(count);

/** Recorded, and as much deleted as is written; `keptPictures`: those that were kept meanwhile. */
async function record(isKept: boolean): Promise<{ cores: number; keptPictures: number }> {
  const cameras = await start(
    process.execPath,
    [`${here}cameras.ts`, '--port', `${port}`, '--seconds', `${windowSeconds + 240}`],
    /cameras on/,
  );
  try {
    await using server = await startServer({
      ...{ urls: names.map((name) => `rtsp://127.0.0.1:${port}/${name}`), names, record: true, port: 18083 },
      recording: `retention_days = ${lifeSeconds / 86_400}`,
      more: `[keyframe]\nenabled = ${isKept}\ninterval_seconds = 5`,
      prepare: (dir) => recordPast(dir, { names, seconds: lifeSeconds + 120, isKept }),
    });
    await pause(20_000);
    const before = await keptPictures(server.dir);
    const { cores } = await measure(server.process.pid!, windowSeconds);
    const kept = (await keptPictures(server.dir)) - before;
    console.log(`${isKept ? 'kept' : 'not kept'}: ${cores.toFixed(3)} cores, ${kept} pictures kept meanwhile`);
    return { cores, keptPictures: kept };
  } finally {
    await stop(cameras, 'SIGKILL');
  }
}

/** In the files of all cameras. */
async function keptPictures(dir: string): Promise<number> {
  const database = await openDatabase(join(dir, 'data', 'watchpost.db'));
  const rows = await database.selectFrom('key_files').select('fragments').execute();
  await database.destroy();
  return rows.reduce((sum, { fragments }) => sum + unpackFragments(fragments).length, 0);
}

interface Decoding {
  /** CPU of this process and its children for each picture. */
  readonly cpuSeconds: number;
  readonly ms: number;
}

/** What a JPEG costs once the decoder is warm: the median of some rounds of `count` pictures. */
async function decoding(pictures: CodedPictures, decode: DecodeJpeg, count: number): Promise<Decoding> {
  for (let i = 0; i < 5; i++) await decode(pictures, {}, AbortSignal.timeout(20_000));
  const found: Decoding[] = [];
  for (let round = 0; round < rounds; round++) {
    const cpuBefore = usage(process.pid).cpuSeconds;
    const startedMs = performance.now();
    for (let i = 0; i < count; i++) await decode(pictures, {}, AbortSignal.timeout(20_000));
    const ms = (performance.now() - startedMs) / count;
    found.push({ cpuSeconds: (usage(process.pid).cpuSeconds - cpuBefore) / count, ms });
  }
  return { cpuSeconds: median(found.map((one) => one.cpuSeconds)), ms: median(found.map((one) => one.ms)) };
}

interface Pictures {
  /** CPU seconds of a picture that is copied out of a recording into a file of key pictures. */
  readonly stored: number;
  readonly ffmpeg: Decoding;
  readonly nodeAv: Decoding | undefined;
  /** CPU seconds, see `jpegFloor`. */
  readonly floor: number;
}

/** A minute of 720p with a key picture every two seconds, as a camera's: noise is in each picture. */
function makeClip(path: string): void {
  const noise = 'testsrc2=size=1280x720:rate=25:duration=60,noise=alls=8:allf=t';
  const input = ['-v', 'error', '-f', 'lavfi', '-i', noise, '-pix_fmt', 'yuv420p'];
  const coded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '50', '-b:v', '2M'];
  const flags = ['-movflags', 'frag_keyframe+empty_moov+default_base_moof'];
  execFileSync('ffmpeg', [...input, ...coded, ...flags, path]);
}

/**
 * CPU seconds of a picture that is copied out of a recording into a file of key pictures; and the one of median size, as
 * it is coded. The encoder's first is no measure: it has twice the bytes of each that follows.
 */
async function storing(folder: string): Promise<{ cpuSeconds: number; typical: CodedPictures }> {
  const hour = 'gate/2026-02-11/10';
  const key = `${hour}/1770804000.mp4`;
  mkdirSync(join(folder, hour), { recursive: true });
  makeClip(join(folder, key));
  const bytes = new Uint8Array(readFileSync(join(folder, key)));
  const scan = await scanFragments((at, length) => bytes.subarray(at, at + length), bytes.length);
  const startMs = Date.now() - 60_000;
  const fragments = scan.fragments.map((one, i) => ({
    ...{ offset: one.offset, bytes: one.bytes, startMs: startMs + i * 2000, durationMs: 2000, key: true },
  }));
  const segment = {
    ...{ id: '~bench-0', streamId: 'gate', runId: 'bench', sequence: 0, backend: 'disk', key, startMs },
    ...{ endMs: startMs + 60_000, bytes: bytes.length, initBytes: scan.initBytes, codecs: '', tracks: [] },
    ...{ locked: false, closed: true },
  };
  await using database = await openDatabase(':memory:');
  const parts = { clock: systemClock, logger: silentLogger };
  const registry = new VolumeStore(database);
  await using disk = await LocalStorage.open({ name: 'disk', basePath: folder, registry, ...parts });
  await new SegmentStore(database).commit({ created: [], moved: [], closed: [{ segment, fragments }] });
  const settings = { enabled: true, intervalMs: 1, backend: undefined, retentionDays: 90, maxBytes: { bytes: 1e12 } };
  /** CPU seconds of each picture. What was kept before goes first: that is no part of storing. */
  const keep = async (times: number) => {
    let micros = 0;
    let stored = 0;
    for (let i = 0; i < times; i++) {
      const keeper = new KeyPictureKeeper({ database, backends: new Map([[disk.name, disk]]), settings, ...parts });
      await keeper.removeStream('gate');
      const before = process.cpuUsage();
      await keeper.beforeRemoval([segment]);
      const { user, system } = process.cpuUsage(before);
      micros += user + system;
      stored += keeper.stats.keptPictures;
    }
    return micros / 1e6 / stored;
  };
  await keep(5);
  const cpuSeconds: number[] = [];
  for (let round = 0; round < rounds; round++) cpuSeconds.push(await keep(10));
  const read = await new KeyPictureReader().read(disk, segment, fragments);
  const { track, units, byteLength } = read.toSorted((a, b) => a.byteLength - b.byteLength)[read.length >> 1]!;
  const sample = { track, units, byteLength, dts: 0, pts: 0, key: true, wallMs: 0, lost: 0 };
  return { cpuSeconds: median(cpuSeconds), typical: codedPictures(track, [sample])! };
}

/** What each picture costs: kept beyond its recording, and decoded to a JPEG. */
async function pictures(): Promise<Pictures> {
  const folder = mkdtempSync(join(tmpdir(), 'watchpost-bench-'));
  try {
    const { cpuSeconds, typical } = await storing(folder);
    console.log(`a key picture of ${(typical.bytes.length / 1000).toFixed(1)} kB`);
    const fromPath = new FfmpegDecoder();
    const ffmpeg = await decoding(typical, (...asked) => fromPath.decode(...asked), 10);
    await using decoder = new NodeAvDecoder();
    const withNodeAv: DecodeJpeg = (...asked) => decoder.decode(...asked);
    const nodeAv = hasNodeAv() ? await decoding(typical, withNodeAv, 200) : undefined;
    return {
      stored: cpuSeconds,
      ffmpeg,
      nodeAv,
      floor: median(Array.from({ length: rounds }, () => jpegFloor(typical.bytes))),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { stored, ffmpeg, nodeAv, floor } = await pictures();
console.log(`stored ${(stored * 1000).toFixed(3)} ms CPU each`);
reportFigures('key-pictures', {
  jpeg_720p_cpu_ms: ffmpeg.cpuSeconds * 1000,
  jpeg_720p_ms: ffmpeg.ms,
  ...(nodeAv && {
    node_av_jpeg_720p_cpu_ms: nodeAv.cpuSeconds * 1000,
    node_av_jpeg_720p_ms: nodeAv.ms,
    node_av_ratio_to_bare: nodeAv.cpuSeconds / floor,
  }),
  bare_jpeg_720p_cpu_ms: floor * 1000,
  stored_to_decoded: stored / (nodeAv ?? ffmpeg).cpuSeconds,
});
if (values.only !== 'pictures') {
  const ratios: number[] = [];
  const shares: number[] = [];
  for (let i = 0; i < Number(values.runs); i++) {
    const without = await record(false);
    const kept = await record(true);
    ratios.push(kept.cores / without.cores);
    shares.push(kept.keptPictures / ((count * windowSeconds) / 5));
  }
  console.log(
    `${(median(shares) * 100).toFixed(0)} % of a picture for each 5 s of each camera; 83 % are possible of one each 2 s`,
  );
  reportFigures('key-pictures', { kept_to_not_kept_cores: median(ratios) });
}
