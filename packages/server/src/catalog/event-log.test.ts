import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { openDatabase } from './database.ts';
import { EventLog } from './event-log.ts';

async function open(maxEvents?: number) {
  const clock = new ManualClock(1000);
  const database = await openDatabase(':memory:');
  const options = { database, clock, logger: silentLogger, ...(maxEvents === undefined ? {} : { maxEvents }) };
  return { clock, database, options, log: await EventLog.open(options) };
}

test('an event comes back as it was told, with id and time', async () => {
  const { log } = await open();
  log.emit({
    type: 'recording.gap',
    level: 'warning',
    streamId: 'gate',
    reason: 'crash',
    message: 'm',
    data: { ms: 3 },
  });
  assert.deepEqual(await log.query({ limit: 10 }), [
    {
      id: 1,
      atMs: 1000,
      type: 'recording.gap',
      level: 'warning',
      streamId: 'gate',
      reason: 'crash',
      message: 'm',
      data: { ms: 3 },
    },
  ]);
});

test('queries filter by area, type, stream, level and place', async () => {
  const { log } = await open();
  log.emit({ type: 'stream.online', level: 'info', streamId: 'a', message: '1' });
  log.emit({ type: 'stream.offline', level: 'warning', streamId: 'a', message: '2' });
  log.emit({ type: 'disk.full', level: 'error', message: '3' });
  log.emit({ type: 'stream.offline', level: 'warning', streamId: 'b', message: '4' });
  const table: [Omit<Parameters<EventLog['query']>[0], 'limit'>, number[]][] = [
    [{}, [4, 3, 2, 1]],
    [{ types: ['stream.'] }, [4, 2, 1]],
    [{ types: ['stream.online', 'disk.full'] }, [3, 1]],
    [{ streamId: 'a' }, [2, 1]],
    [{ level: 'warning' }, [4, 3, 2]],
    [{ level: 'error' }, [3]],
    [{ afterId: 2 }, [3, 4]],
    [{ beforeId: 3 }, [2, 1]],
  ];
  for (const [query, ids] of table) {
    const found = await log.query({ ...query, limit: 10 });
    assert.deepEqual(
      found.map((event) => event.id),
      ids,
      JSON.stringify(query),
    );
  }
  assert.equal((await log.query({ limit: 2 })).length, 2);
});

test('listeners hear at once, until they unsubscribe; one that throws does no harm', async () => {
  const { log } = await open();
  const heard: number[] = [];
  log.subscribe(() => {
    throw new Error('listener');
  });
  const unsubscribe = log.subscribe((event) => heard.push(event.id));
  log.emit({ type: 'a.b', level: 'info', message: '' });
  unsubscribe();
  log.emit({ type: 'a.b', level: 'info', message: '' });
  assert.deepEqual(heard, [1]);
});

test('the newest events are kept, and ids go on after a restart', async () => {
  const { log, options } = await open(100);
  for (let i = 0; i < 1500; i++) log.emit({ type: 'a.b', level: 'info', message: String(i) });
  await log[Symbol.asyncDispose]();
  const again = await EventLog.open(options);
  const oldest = await again.query({ afterId: 0, limit: 1000 });
  assert.equal(oldest.length, 100);
  assert.equal(oldest[0]?.message, '1400');
  again.emit({ type: 'a.b', level: 'info', message: 'next' });
  assert.equal((await again.query({ limit: 1 }))[0]?.id, 1501);
});

test('a database that is gone stops nobody; what was lost is counted', async () => {
  const { log, database, clock } = await open();
  await database.destroy();
  log.emit({ type: 'a.b', level: 'info', message: '' });
  clock.advance(1000);
  await log.flush();
  assert.equal(log.dropped, 1);
});
