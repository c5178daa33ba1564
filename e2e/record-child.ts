/**
 * Records synthetic cameras until it is ended, for tests that end it badly. Told by one JSON argument; says in lines of
 * JSON what it found when it began (`ready`) and how many bytes of processor time it took (`cpu`, each second).
 */
import { readFile } from 'node:fs/promises';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { readSamples, scanFragments } from '@watchpost/media/container/fmp4/demuxer.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { openDatabase } from '../packages/server/src/catalog/database.ts';
import { VolumeStore } from '../packages/server/src/catalog/volume-store.ts';
import { StreamHub } from '../packages/server/src/hub/stream-hub.ts';
import type { Publisher } from '../packages/server/src/hub/types.ts';
import { Recorder } from '../packages/server/src/recorder/recorder.ts';
import { LocalStorage } from '../packages/server/src/storage/local/local-storage.ts';

interface Settings {
  readonly database: string;
  readonly base: string;
  readonly clip: string;
  readonly cameras: number;
  readonly segmentSeconds: number;
  readonly minFreeBytes?: number;
  /** Feed the cameras, but do not record; to compare costs. */
  readonly idle?: boolean;
}

const settings = JSON.parse(process.argv[2]!) as Settings;
const say = (message: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** 80 pictures of 40 ms are as long as 50 AAC frames of 64 ms: the seam is smooth. */
const loopMs = 3200;

async function readClip(path: string): Promise<{ tracks: Track[]; samples: Sample[] }> {
  const bytes = new Uint8Array(await readFile(path));
  const scan = await scanFragments((at, length) => bytes.subarray(at, at + length), bytes.length);
  const timeOf = (sample: Sample) => (sample.dts * 1000) / sample.track.clockRate;
  const counts = new Map<Track, number>();
  // FFmpeg's file begins with a pause of one AAC frame; here each sample follows the one before.
  const evenly = (sample: Sample): Sample => {
    const count = counts.get(sample.track) ?? 0;
    counts.set(sample.track, count + 1);
    const dts = sample.track.kind === 'audio' ? count * 1024 : (count * sample.track.clockRate) / 25;
    return { ...sample, dts, pts: dts };
  };
  const samples = scan.fragments
    .flatMap((one) => readSamples(bytes.subarray(one.offset, one.offset + one.bytes), scan.tracks))
    .map(evenly)
    .filter((sample) => timeOf(sample) < loopMs)
    .sort((a, b) => timeOf(a) - timeOf(b));
  return { tracks: scan.tracks.map((one) => one.track), samples };
}

/** Sends the clip again and again, each sample when it is due. */
function feed(publishers: readonly Publisher[], clip: Awaited<ReturnType<typeof readClip>>): void {
  const startMs = performance.now();
  let next = 0;
  const indexOf = new Map(clip.tracks.map((track, index) => [track, index]));
  setInterval(() => {
    const elapsedMs = performance.now() - startMs;
    for (;;) {
      const sample = clip.samples[next % clip.samples.length]!;
      const loop = Math.floor(next / clip.samples.length);
      const { clockRate } = sample.track;
      const dts = sample.dts + Math.round((loop * loopMs * clockRate) / 1000);
      if ((dts * 1000) / clockRate > elapsedMs) break;
      const unit = { pts: dts, dts, key: sample.key, units: sample.units };
      for (const publisher of publishers) publisher.writeUnit(indexOf.get(sample.track)!, unit);
      next++;
    }
    for (const publisher of publishers) publisher.flush();
  }, 20);
}

const clip = await readClip(settings.clip);
const database = await openDatabase(settings.database);
const hub = new StreamHub({
  clock: systemClock,
  logger: silentLogger,
  reconnectDelayMs: 1000,
  protocolFor: () => undefined,
  pull: async () => {},
} as never);
const names = Array.from({ length: settings.cameras }, (_, index) => `cam${index + 1}`);
for (const id of names) {
  await hub.define({
    id,
    title: id,
    protocol: 'test',
    sources: [],
    record: settings.idle !== true,
    onDemand: false,
    stopped: false,
    origin: 'api',
  });
}
const storage = await LocalStorage.open({
  name: 'disk',
  basePath: settings.base,
  registry: new VolumeStore(database),
  clock: systemClock,
  logger: silentLogger,
  checkEveryMs: 500,
});
const recorder = await Recorder.open({
  hub,
  database,
  backends: [{ backend: storage, retentionDays: 7, minFree: { bytes: settings.minFreeBytes ?? 0 } }],
  events: { emit: (event) => say({ event: event.type, reason: event.reason, stream: event.streamId }) },
  clock: systemClock,
  logger: silentLogger,
  config: { enabled: true, segmentDurationSeconds: settings.segmentSeconds },
});
const ends = Object.fromEntries((await recorder.query.recordedStreams()).map((one) => [one.streamId, one.newestMs]));
say({ ready: true, ends });
feed(
  names.map((id) => hub.get(id)!.publish(clip.tracks.map((track) => ({ track, format: {} })))),
  clip,
);
let before = process.cpuUsage();
let beforeMs = performance.now();
setInterval(() => {
  const used = process.cpuUsage(before);
  const elapsedMs = performance.now() - beforeMs;
  before = process.cpuUsage();
  beforeMs = performance.now();
  const cores = (used.user + used.system) / 1000 / elapsedMs;
  say({ cpu: Math.round(cores * 1000) / 1000, stats: recorder.stats() });
}, 1000);
process.on('SIGTERM', () => {
  void recorder[Symbol.asyncDispose]()
    .then(() => hub[Symbol.asyncDispose]())
    .then(() => storage[Symbol.asyncDispose]())
    .then(() => database.destroy())
    .then(() => process.exit(0));
});
