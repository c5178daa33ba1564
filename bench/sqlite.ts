/**
 * How long the database holds up everything else: the longest time that no timer fires while the catalogue of 300 cameras
 * (60 s files; one of them with all rows of 30 days, the others with those of a day) is written and asked.
 *
 *   node bench/sqlite.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { AuditLog } from '@watchpost/server/catalog/audit/audit-log.ts';
import { openDatabase } from '@watchpost/server/catalog/database.ts';
import { EventLog } from '@watchpost/server/catalog/event-log.ts';
import { packFragments } from '@watchpost/server/catalog/fragment-index.ts';
import { GapStore } from '@watchpost/server/catalog/gap-store.ts';
import { LockStore } from '@watchpost/server/catalog/lock-store.ts';
import { SegmentStore } from '@watchpost/server/catalog/segment-store.ts';
import type { FragmentEntry, Segment } from '@watchpost/server/catalog/types.ts';

const cameras = 300;
const fileMs = 60_000;
const dayMs = 86_400_000;
const daysOfFirst = 30;
const endMs = Math.floor(Date.now() / fileMs) * fileMs;
const bytes = 15_000_000;
const idOf = (camera: number) => `cam${camera}`;
const tracks = JSON.stringify([
  { id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, width: 1920, height: 1080 },
  { id: 1, kind: 'audio', codec: 'aac', clockRate: 48_000 },
]);
const fragments: FragmentEntry[] = Array.from({ length: 60 }, (_, i) => ({
  ...{ offset: 1000 + i * 250_000, bytes: 250_000, startMs: i * 1000, durationMs: 1000, key: true },
}));

function fill(path: string): void {
  const raw = new DatabaseSync(path);
  const packed = packFragments(fragments);
  raw.exec('begin');
  const insert = raw.prepare(
    `insert into segments (id, stream_id, run_id, sequence, backend, key, start_ms, end_ms, bytes, init_bytes, codecs, tracks,
      closed, fragments) values (?, ?, 'run', ?, 'disk', ?, ?, ?, ?, 1000, 'avc1.640028', ?, 1, ?)`,
  );
  for (let camera = 0; camera < cameras; camera++) {
    const files = ((camera === 0 ? daysOfFirst : 1) * dayMs) / fileMs;
    for (let file = files; file > 0; file--) {
      const startMs = endMs - file * fileMs;
      const id = `~${idOf(camera)}-${file}`;
      insert.run(id, idOf(camera), file, `${id}.mp4`, startMs, startMs + fileMs, bytes, tracks, packed);
    }
    raw
      .prepare(`insert into recording_totals (backend, stream_id, bytes, segments) values ('disk', ?, ?, ?)`)
      .run(idOf(camera), files * bytes, files);
    const gap = raw.prepare(`insert into gaps (stream_id, start_ms, end_ms, reason) values (?, ?, ?, 'offline')`);
    for (let i = 0; i < 300; i++)
      gap.run(idOf(camera), endMs - (i + 1) * 3_600_000, endMs - (i + 1) * 3_600_000 + 5000);
  }
  const event = raw.prepare(
    `insert into events (at_ms, type, level, stream_id, message) values (?, ?, 'info', ?, 'm')`,
  );
  for (let i = 0; i < 100_000; i++) event.run(endMs - i, 'stream.online', idOf(i % cameras));
  const audit = raw.prepare(
    `insert into audit (at_ms, action, user_name, via, stream_id, detail, address, user_agent)
      values (?, 'live', 'anna', 'session', ?, '', '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64)')`,
  );
  for (let i = 0; i < 500_000; i++) audit.run(endMs - (500_000 - i) * 60_000, idOf(i % cameras));
  raw.exec('commit');
  raw.close();
}

/** Longest stretch of `work` in which nothing else ran, and how long it took in all; ms. */
async function longest(work: () => Promise<unknown>): Promise<[blockedMs: number, totalMs: number]> {
  let worst = 0;
  let before = performance.now();
  const startedMs = before;
  let over = false;
  const look = () => {
    const now = performance.now();
    worst = Math.max(worst, now - before);
    before = now;
    if (!over) setImmediate(look);
  };
  setImmediate(look);
  await work();
  worst = Math.max(worst, performance.now() - before);
  over = true;
  return [worst, performance.now() - startedMs];
}

function segment(camera: number, file: number): Segment {
  const startMs = endMs + file * fileMs;
  return {
    ...{ id: `~new-${camera}-${file}`, streamId: idOf(camera), runId: 'run', sequence: file, backend: 'disk' },
    ...{ key: `${idOf(camera)}/new-${file}.mp4`, startMs, endMs: startMs + fileMs, bytes, initBytes: 1000 },
    ...{ codecs: 'avc1.640028', tracks: [], locked: false, closed: false },
  };
}

const folder = mkdtempSync(join(tmpdir(), 'sqlite-bench-'));
try {
  const path = join(folder, 'watchpost.db');
  await (await openDatabase(path)).destroy();
  fill(path);
  const database = await openDatabase(path);
  const parts = { database, clock: systemClock, logger: silentLogger };
  const store = new SegmentStore(database);
  const gaps = new GapStore(database);
  const locks = new LockStore(database, systemClock);
  const audit = new AuditLog(parts);
  const events = await EventLog.open(parts);
  const all = Array.from({ length: cameras }, (_, camera) => camera);
  const moved = all.map((camera) => ({ id: `~new-${camera}-0`, endMs: endMs + 30_000, bytes: bytes / 2 }));
  const none = { created: [], moved: [], closed: [] };
  const month = [endMs - daysOfFirst * dayMs, endMs] as const;
  const lockAll = async (count: number) => {
    for (let i = 0; i < count; i++)
      await locks.put({
        ...{ streamId: idOf(0), note: 'n', createdBy: 'a', endMs: month[0] + (i + 1) * 2_000_000 },
        startMs: month[0] + i * 2_000_000,
      });
  };
  const oldest = await store.oldest('disk', 64);
  const calls: readonly [name: string, work: () => Promise<unknown>][] = [
    ['commit: 300 files begin', () => store.commit({ ...none, created: all.map((camera) => segment(camera, 0)) })],
    ['commit: 300 files grow', () => store.commit({ ...none, moved })],
    [
      'commit: 300 files end at once',
      () => store.commit({ ...none, closed: all.map((camera) => ({ segment: segment(camera, 0), fragments })) }),
    ],
    ['segments of 30 days', () => store.inRange(idOf(0), ...month)],
    ['segments of a day', () => store.inRange(idOf(0), endMs - dayMs, endMs)],
    ['days of 30 days', () => store.days(idOf(0), ...month)],
    ['gaps of 30 days', () => gaps.inRange(idOf(0), ...month)],
    ['streams', () => store.streams()],
    ['last ends', () => store.lastEnds()],
    ['retention: oldest', () => store.oldest('disk', 64)],
    ['retention: bytes', async () => [await store.bytes('disk'), await store.growingBytes('disk')]],
    ['retention: gaps', () => gaps.expire(endMs - daysOfFirst * dayMs)],
    ['retention: mark 64', () => store.mark(oldest.map(({ id }) => id))],
    ['retention: drop 64', () => store.drop(oldest)],
    ['1000 locks made', () => lockAll(1000)],
    ['locked bytes, 1000 locks', () => locks.lockedBytes('disk')],
    ['oldest behind 1000 locks', () => store.oldest('disk', 64, { streamId: idOf(0) })],
    ['audit: page', () => audit.query({ limit: 1000 })],
    ['audit: page of a user', () => audit.query({ limit: 1000, user: 'anna', startMs: month[0], endMs })],
    ['audit: page of nobody', () => audit.query({ limit: 1000, user: 'bert' })],
    ['audit: of an hour long ago', () => audit.query({ limit: 1000, startMs: month[0], endMs: month[0] + 3_600_000 })],
    [
      'audit: flush of 5000 rows',
      () => {
        for (let i = 0; i < 5000; i++)
          audit.record({ action: 'configure', user: 'a', via: 'b', address: 'c', userAgent: 'd' });
        return audit.flush();
      },
    ],
    ['events: page', () => events.query({ limit: 1000 })],
    ['events: of a level', () => events.query({ limit: 1000, level: 'error' })],
    ['events: of an area', () => events.query({ limit: 1000, types: ['disk.', 'agent.'] })],
    [
      'events: 5000 at once',
      () => {
        for (let i = 0; i < 5000; i++) events.emit({ type: 'stream.online', level: 'info', message: 'm' });
        return events.flush();
      },
    ],
  ];
  for (const [name, work] of calls) {
    const [blockedMs, totalMs] = await longest(work);
    console.log(`${name.padEnd(32)} ${blockedMs.toFixed(1).padStart(8)} ms  of ${totalMs.toFixed(1)} ms`);
  }
  await audit[Symbol.asyncDispose]();
  await events[Symbol.asyncDispose]();
  await database.destroy();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
