import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { ExportJob } from './export-job.ts';
import { ExportJobs } from './export-jobs.ts';
import { MemoryRecordings } from './memory-recordings.ts';
import { createPlayback } from './playback.ts';

const startMs = Date.UTC(2026, 1, 11, 10);
const hourMs = 3_600_000;
const track: Track = {
  ...{ id: 0, kind: 'audio', codec: 'pcma', clockRate: 8000, sampleRate: 8000, channels: 1 },
  parameterSets: [],
};
const root = mkdtempSync(join(tmpdir(), 'watchpost-exports-'));
after(() => rmSync(root, { recursive: true, force: true }));

async function fixture(name: string) {
  const recordings = new MemoryRecordings();
  const samples = Array.from({ length: 500 }, (_, i): Sample => {
    const units = [Uint8Array.from({ length: 160 }, (_unused, k) => (i + k) & 255)];
    return { track, dts: i * 160, pts: i * 160, key: true, units, byteLength: 160, wallMs: 0, lost: 0 };
  });
  recordings.record({ streamId: 'gate', runId: 'a', startMs, tracks: [track], samples, fileMs: 60_000 });
  const clock = new ManualClock(startMs + hourMs);
  const backends = new Map([['memory', recordings.backend]]);
  const { mp4Files } = createPlayback({ recordings, backends, clock });
  const directory = join(root, name);
  const options = { mp4Files, clock, logger: silentLogger, directory };
  return { recordings, clock, directory, options, jobs: await ExportJobs.open(options) };
}

async function ended(job: ExportJob): Promise<ExportJob> {
  while (job.expiresMs === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  return job;
}

const range = { streamId: 'gate', startMs, endMs: startMs + 10_000 };

test('an export is written, served, and deleted after a day', async () => {
  const { jobs, clock, directory, recordings } = await fixture('served');
  const job = await ended(jobs.create(range));
  assert.deepEqual([job.state, job.progress, job.startMs, job.endMs], ['done', 1, startMs, startMs + 10_000]);
  const file = jobs.file(job.id);
  const pieces: Uint8Array[] = [];
  for await (const piece of file.read({ start: 4, end: 8 })) pieces.push(piece);
  assert.equal(Buffer.concat(pieces).toString(), 'ftyp');
  assert.deepEqual(readdirSync(directory), [`${job.id}.mp4`]);
  assert.deepEqual(
    [...recordings.leases.values()].filter((count) => count > 0),
    [],
  );
  clock.advance(25 * hourMs);
  assert.throws(() => jobs.get(job.id), { code: 'EXPORT_NOT_FOUND' });
  await jobs[Symbol.asyncDispose]();
});

test('an export of nothing fails with the reason, and has no file', async () => {
  const { jobs, directory } = await fixture('nothing');
  const job = await ended(jobs.create({ ...range, streamId: 'yard' }));
  assert.deepEqual([job.state, job.error?.code], ['failed', 'PLAYBACK_EMPTY']);
  assert.throws(() => jobs.file(job.id), { kind: 'conflict' });
  assert.deepEqual(readdirSync(directory), []);
  await jobs[Symbol.asyncDispose]();
});

test('a disk that becomes full ends the export with the cure, leaves no file of it, and the next one is written', async () => {
  const { jobs, directory, options } = await fixture('full');
  await jobs[Symbol.asyncDispose]();
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  let isFull = true;
  const mp4Files = {
    compose: options.mp4Files.compose.bind(options.mp4Files),
    async *read(...args: Parameters<typeof options.mp4Files.read>) {
      for await (const piece of options.mp4Files.read(...args)) {
        yield piece;
        if (isFull) throw full;
      }
    },
  } as unknown as typeof options.mp4Files;
  const others = await ExportJobs.open({ ...options, mp4Files });
  const job = await ended(others.create(range));
  assert.deepEqual([job.state, job.error?.kind, job.error?.code], ['failed', 'resource_exhausted', 'EXPORT_NO_SPACE']);
  assert.match(job.error!.message, /data_dir became full.*free some/);
  assert.deepEqual(readdirSync(directory), []);
  isFull = false;
  assert.equal((await ended(others.create(range))).state, 'done');
  await others[Symbol.asyncDispose]();
});

test('what cannot be exported is refused at once', async () => {
  const { jobs } = await fixture('refused');
  assert.throws(() => jobs.create({ ...range, endMs: startMs }), { code: 'PLAYBACK_RANGE' });
  assert.throws(() => jobs.create({ ...range, endMs: startMs + 25 * hourMs }), { code: 'EXPORT_TOO_LONG' });
  await jobs[Symbol.asyncDispose]();
});

test('past a bound the oldest finished export goes, and none that still waits', async () => {
  const { jobs } = await fixture('many');
  const first = await ended(jobs.create(range));
  for (let i = 0; i < 31; i++) jobs.create(range);
  const last = jobs.create(range);
  assert.throws(() => jobs.get(first.id), { code: 'EXPORT_NOT_FOUND' });
  assert.throws(() => jobs.create(range), { code: 'EXPORT_TOO_MANY', kind: 'resource_exhausted' });
  await ended(last);
  assert.deepEqual(new Set(jobs.list().map(({ state }) => state)), new Set(['done']));
  await jobs[Symbol.asyncDispose]();
});

test('deleting an export ends it; stopping leaves no file, and starting finds none', async () => {
  const { jobs, directory, options } = await fixture('deleted');
  const job = jobs.create(range);
  await jobs.remove(job.id);
  await ended(job);
  assert.deepEqual(jobs.list(), []);
  jobs.create(range);
  await jobs[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(directory), []);
  const again = await ExportJobs.open(options);
  writeFileSync(join(directory, '0123456789abcdef01234567.part'), 'x');
  await again[Symbol.asyncDispose]();
  const third = await ExportJobs.open(options);
  assert.deepEqual(readdirSync(directory), []);
  await third[Symbol.asyncDispose]();
});

test('a folder that is a link, or holds what is no export, stays as it is', async () => {
  const elsewhere = mkdtempSync(join(root, 'elsewhere-'));
  writeFileSync(join(elsewhere, 'letter.mp4'), 'x');
  symlinkSync(elsewhere, join(root, 'linked'));
  const { jobs, directory } = await fixture('linked');
  await ended(jobs.create(range));
  assert.equal(readdirSync(elsewhere).length, 2);
  await jobs[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(elsewhere), ['letter.mp4']);
  assert(lstatSync(directory).isSymbolicLink());
});
