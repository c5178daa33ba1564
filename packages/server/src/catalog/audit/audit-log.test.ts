import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { openDatabase } from '../database.ts';
import { AuditLog, type AuditLogOptions } from './audit-log.ts';
import { OnceAMinute } from './once-a-minute.ts';
import type { NewAuditEntry } from './types.ts';

async function open(options: Partial<AuditLogOptions> = {}) {
  const clock = new ManualClock();
  const database = await openDatabase(':memory:');
  const log = new AuditLog({ database, clock, logger: silentLogger, ...options });
  return { clock, database, log, [Symbol.asyncDispose]: () => database.destroy() };
}

const anna = { user: 'anna', via: 'session', address: '192.0.2.7', userAgent: 'Firefox' };
const looked: NewAuditEntry = { ...anna, action: 'live', streamId: 'gate' };

test('a row keeps who did what with which stream, from where and when', async () => {
  await using opened = await open();
  const { log, clock } = opened;
  log.record({ ...looked, action: 'export', detail: 'createExport' });
  const [row] = await log.query({ limit: 10 });
  assert.deepEqual(row, {
    ...anna,
    id: 1,
    atMs: Math.round(clock.wallMs()),
    action: 'export',
    streamId: 'gate',
    detail: 'createExport',
  });
});

test('somebody who goes on watching is one row an hour; after a minute of silence a new one', async () => {
  await using opened = await open();
  const { log, clock } = opened;
  const rows = async () => (await log.query({ limit: 1000 })).length;
  for (let second = 0; second < 3600; second += 10) {
    log.record(looked);
    clock.advance(10_000);
  }
  assert.equal(await rows(), 1);
  log.record(looked);
  assert.equal(await rows(), 2);
  clock.advance(59_000);
  log.record(looked);
  assert.equal(await rows(), 2);
  clock.advance(60_000);
  log.record(looked);
  assert.equal(await rows(), 3);
});

test('another viewer, address, stream, way in or action is a row of its own, and what is done is always one', async () => {
  await using opened = await open();
  const { log } = opened;
  const others = [
    { user: 'boris' },
    { address: '192.0.2.8' },
    { streamId: 'yard' },
    { via: 'token tv' },
    { action: 'playback' },
  ];
  for (const other of [{}, ...others]) log.record({ ...looked, ...other } as NewAuditEntry);
  for (let i = 0; i < 2; i++) log.record({ ...looked, action: 'configure', detail: 'updateStream' });
  assert.equal((await log.query({ limit: 100 })).length, 8);
});

test('the log is asked by user, action, stream, and time, newest first, page by page', async () => {
  await using opened = await open();
  const { log, clock } = opened;
  const startMs = clock.wallMs();
  for (const streamId of ['gate', 'gate.sub', 'yard']) {
    log.record({ ...anna, action: 'record', streamId });
    clock.advance(1000);
  }
  log.record({ ...anna, user: 'boris', action: 'login' });
  const ids = async (filter: object) => (await log.query({ limit: 100, ...filter })).map(({ id }) => id);
  assert.deepEqual(await ids({}), [4, 3, 2, 1]);
  assert.deepEqual(await ids({ streamId: 'gate' }), [2, 1]);
  assert.deepEqual(await ids({ user: 'boris' }), [4]);
  assert.deepEqual(await ids({ action: 'record', startMs: startMs + 1000, endMs: startMs + 2000 }), [2]);
  assert.deepEqual(await ids({ limit: 2 }), [4, 3]);
  assert.deepEqual(await ids({ limit: 2, beforeId: 3 }), [2, 1]);
});

test('old rows go by age and by number', async () => {
  await using opened = await open({ maxRows: 600, maxDays: 2 });
  const { log, clock } = opened;
  log.record({ ...anna, action: 'login' });
  await log.flush();
  clock.advance(3 * 24 * 3_600_000);
  for (let i = 0; i < 1500; i++) log.record({ ...anna, action: 'record', detail: `${i}` });
  await log.flush();
  for (let i = 0; i < 500; i++) log.record({ ...anna, action: 'record', detail: 'last' });
  await log.flush();
  const left = await opened.database.selectFrom('audit').select('action').execute();
  assert.equal(left.length, 600);
  assert.ok(left.every(({ action }) => action === 'record'));
});

test('a database that fails costs rows, which are counted, and nothing else', async () => {
  const { log, database } = await open();
  await database.destroy();
  log.record({ ...anna, action: 'login' });
  await log.flush();
  assert.equal(log.dropped, 1);
});

test('somebody whose connection has closed has no address, and a row all the same', async () => {
  await using opened = await open();
  opened.log.record({ ...looked, address: undefined });
  opened.log.record({ ...looked, streamId: 'yard' });
  const rows = await opened.log.query({ limit: 10 });
  assert.deepEqual(
    rows.map(({ address }) => address),
    [anna.address, ''],
  );
});

test('long texts of strangers are cut', async () => {
  await using opened = await open();
  opened.log.record({ ...anna, action: 'login_failed', user: 'x'.repeat(5000), userAgent: 'y'.repeat(5000) });
  const [row] = await opened.log.query({ limit: 1 });
  assert.deepEqual([row?.user.length, row?.userAgent.length], [200, 200]);
});

test('what is remembered of viewers is bounded', () => {
  const once = new OnceAMinute();
  for (let i = 0; i < 10_001; i++) assert.ok(once.isNew(`${i}`, 0));
  assert.ok(!once.isNew('10000', 0) && once.isNew('0', 0));
});
