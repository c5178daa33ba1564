import { existsSync } from 'node:fs';
import { rename, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseInstant } from '@watchpost/base/text/instant.ts';
import { openDatabase } from '../catalog/database.ts';
import { SegmentStore } from '../catalog/segment-store.ts';
import type { StorageBackend } from '../catalog/types.ts';
import { VolumeStore } from '../catalog/volume-store.ts';
import type { Config } from '../config/types.ts';
import { checkOrder } from '../playback/check-range.ts';
import { ExportJob } from '../playback/export-job.ts';
import { Mp4Files, type RecordedRange } from '../playback/mp4-files.ts';
import { RecordedFiles } from '../playback/recorded-files.ts';
import { SegmentHeads } from '../playback/segment-heads.ts';
import { StoredRecordings } from '../recorder/stored-recordings.ts';
import { LocalStorage } from '../storage/local/local-storage.ts';
import { type Command, EXIT, type Flags, textFlag, usageError } from './command.ts';
import { configOrDefault } from './configuration.ts';
import { stopSignal } from './signals.ts';

const progressMs = 500;

/** `watchpost export ID`: recordings as one MP4 file, straight from the disk: the server may run, or be gone. */
export const exportCommand: Command = {
  usage: 'export <stream>',
  description: 'Write recordings of a stream to one MP4 file; the server may run meanwhile, and need not',
  flags: [
    ['--start <time>', 'the first picture: 2026-02-11T10:00:00Z, or ms since 1970; UTC without a zone'],
    ['--end <time>', 'the end (now)'],
    ['--output <file>', 'where to; nothing is written over (STREAM-START.mp4)'],
  ],
  examples: ['export gate --start 2026-02-11T10:00:00+01:00 --end 2026-02-11T10:05:00+01:00'],
  async run([streamId], flags) {
    const range = { streamId: streamId!, startMs: timeFlag(flags, 'start'), endMs: timeFlag(flags, 'end', Date.now()) };
    checkOrder(range.startMs, range.endMs);
    const name = `${streamId}-${new Date(range.startMs).toISOString().replaceAll(':', '')}.mp4`;
    const output = resolve(textFlag(flags, 'output') ?? name);
    if (existsSync(output)) throw usageError(`${output} is there already — name another file with --output`);
    if (!existsSync(dirname(output))) throw usageError(`there is no folder ${dirname(output)} — make it first`);
    const config = await configOrDefault(flags);
    const job = await write(config, range, output);
    const { bytes, startMs, endMs, gaps } = job;
    const at = (ms: number) => new Date(ms).toISOString();
    const holes = gaps.map((gap) => ({ start: at(gap.startMs), end: at(gap.endMs) }));
    const told = { file: output, bytes, start: at(startMs!), end: at(endMs!), gaps: holes };
    if (flags['json'] === true) process.stdout.write(`${JSON.stringify(told)}\n`);
    else process.stdout.write(`${output}: ${told.start} to ${told.end}, ${bytes} bytes${describeGaps(holes)}\n`);
    return EXIT.fine;
  },
};

async function write(config: Config, range: RecordedRange, output: string): Promise<ExportJob> {
  await using stack = new AsyncDisposableStack();
  const path = join(config.dataDir, 'watchpost.db');
  if (!existsSync(path)) throw usageError(`nothing was ever recorded in data_dir: there is no ${path}`);
  const database = stack.adopt(await openDatabase(path), (db) => db.destroy());
  const registry = new VolumeStore(database);
  const backends = new Map<string, StorageBackend>();
  // What is wrong with a disk is thrown where it is read.
  const options = { registry, clock: systemClock, logger: silentLogger, isReadOnly: true };
  for (const { name, basePath } of config.storage.backends)
    backends.set(name, stack.use(await LocalStorage.open({ name, basePath, ...options })));
  const recordings = new StoredRecordings(new SegmentStore(database), backends);
  const files = new RecordedFiles(recordings, backends);
  const mp4Files = new Mp4Files({ recordings, files, heads: new SegmentHeads(files), clock: systemClock });
  const directory = dirname(output);
  const parts = { mp4Files, directory, checkSpace: (bytes: number) => checkSpace(directory, bytes) };
  const job = new ExportJob(`.watchpost-export-${process.pid}`, range, { ...parts, createdMs: Date.now() });
  const onSignal = (signal: NodeJS.Signals) =>
    job.cancel(new WatchpostError(`ended by ${signal}; no file is left`, { kind: 'canceled', code: 'EXPORT_ENDED' }));
  void stopSignal().then(onSignal);
  using _progress = showProgress(job);
  await job.write();
  await rename(job.path, output);
  return job;
}

async function checkSpace(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= bytes) return;
  throw new WatchpostError(
    `the file takes ${bytes} bytes, and ${directory} has ${bavail * bsize} free — name another place with --output`,
    { kind: 'resource_exhausted', code: 'EXPORT_NO_SPACE' },
  );
}

function showProgress(job: ExportJob): Disposable {
  if (process.stderr.isTTY !== true) return { [Symbol.dispose]: () => {} };
  const timer = setInterval(() => process.stderr.write(`\r${(job.progress * 100).toFixed(0)} %`), progressMs);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      process.stderr.write('\r');
    },
  };
}

function describeGaps(gaps: readonly { readonly start: string; readonly end: string }[]): string {
  if (gaps.length === 0) return '';
  return `; nothing was recorded ${gaps.map(({ start, end }) => `from ${start} to ${end}`).join(', ')}`;
}

function timeFlag(flags: Flags, name: string, fallback?: number): number {
  const text = textFlag(flags, name);
  if (text === undefined && fallback !== undefined) return fallback;
  const ms = text === undefined ? undefined : parseInstant(text);
  if (ms !== undefined) return ms;
  const problem = text === undefined ? 'is missing' : `"${text}" is no time`;
  throw usageError(`--${name} ${problem} — write 2026-02-11T10:00:00Z, or ms since 1970`);
}
