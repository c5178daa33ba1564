import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { CacheBudget } from './cache-budget.ts';
import { type ItemKeeper, SharedLog } from './shared-log.ts';

/** Items are `K1 a b K2 …`: a key has a capital letter. */
function makeLog(
  options: { cacheLimitBytes?: number; budget?: CacheBudget; keeper?: ItemKeeper<{ name: string }> } = {},
) {
  const clock = new ManualClock();
  const log = new SharedLog<{ name: string }>({ clock, cacheLimitBytes: 1000, ...options });
  const write = (names: string, bytes = 10) => {
    for (const name of names.split(' ')) {
      log.append({ name }, { randomAccess: /[A-Z]/.test(name), bytes, atMs: clock.monotonicMs() });
    }
    log.flush();
  };
  return { clock, log, write };
}

const names = (items: readonly { name: string }[]) => items.map((item) => item.name).join(' ');

test('a late reader starts at the last key item, then follows', () => {
  const { log, write } = makeLog();
  write('K1 a b K2 c');
  const reader = log.open({ protocol: 'test', start: 'gop' });
  assert.equal(names(reader.pull()), 'K2 c');
  write('d');
  assert.equal(names(reader.pull()), 'd');
  assert.equal(names(reader.pull()), '');
});

test('a reader from "key" waits for the next key item, one from "live" does not', () => {
  const { log, write } = makeLog();
  write('K1 a');
  const key = log.open({ protocol: 'test', start: 'key' });
  const live = log.open({ protocol: 'test', start: 'live' });
  write('b c K2 d');
  assert.equal(names(key.pull()), 'K2 d');
  assert.equal(names(live.pull()), 'b c K2 d');
});

test('all readers get the very same objects', () => {
  const { log, write } = makeLog();
  const readers = [1, 2, 3].map(() => log.open({ protocol: 'test', start: 'live' }));
  write('K1 a');
  const [first, second, third] = readers.map((reader) => reader.pull());
  assert.equal(first![1], second![1]);
  assert.equal(first![1], third![1]);
});

test('a reader that waits is woken once for each flush, and not while it has not pulled', () => {
  const { log, write } = makeLog();
  let wakes = 0;
  const reader = log.open({ protocol: 'test', start: 'live', onReady: () => wakes++ });
  reader.pull();
  write('K1 a b');
  write('c');
  assert.equal(wakes, 1);
  assert.equal(names(reader.pull()), 'K1 a b c');
  reader.pull();
  write('d');
  assert.equal(wakes, 2);
});

test('it is awaited while one of its readers is to be told of each item', () => {
  const { log } = makeLog();
  assert.equal(log.isAwaited, false);
  const recorder = log.open({ protocol: 'recorder', start: 'key' });
  assert.equal(log.isAwaited, false);
  const viewer = log.open({ protocol: 'flv', start: 'gop', onReady: () => {} });
  assert.equal(log.isAwaited, true);
  viewer.close();
  assert.equal(log.isAwaited, false);
  recorder.close();
});

test('without readers only what follows the last key item is kept', () => {
  const { log, write } = makeLog();
  write('K1 a b c d e f');
  assert.equal(log.bytes, 70);
  write('K2 g');
  assert.equal(log.bytes, 20);
});

test('a group larger than the cache is dropped until the next key item', () => {
  const { log, write } = makeLog({ cacheLimitBytes: 100 });
  write('K1 a b c d e f g h i j k l m');
  assert.equal(log.hasCache, false);
  const reader = log.open({ protocol: 'test', start: 'gop' });
  write('n o K2 p');
  assert.equal(names(reader.pull()), 'K2 p');
});

test('a reader past its ms jumps to the last key item and the loss is counted; the others notice nothing', () => {
  const { clock, log, write } = makeLog();
  const slow = log.open({ protocol: 'slow', start: 'live', maxLagMs: 1000 });
  const good = log.open({ protocol: 'good', start: 'live' });
  write('K1 a b');
  good.pull();
  clock.advance(2000);
  write('K2 c');
  assert.equal(names(good.pull()), 'K2 c');
  assert.equal(names(slow.pull()), 'K2 c');
  assert.equal(slow.dropped, 3);
  assert.equal(good.dropped, 0);
});

test('a stuck reader does not make the log grow past its bytes', () => {
  const { log, write } = makeLog({ cacheLimitBytes: 100 });
  const stuck = log.open({ protocol: 'stuck', start: 'live', maxLagBytes: 300 });
  for (let i = 0; i < 100; i++) write(`K${i} a b c d`);
  assert(log.bytes <= 360, `${log.bytes} bytes are kept`);
  assert.equal(names(stuck.pull()).split(' ')[0]![0], 'K');
});

test('a reader that pulls nothing for its stuck time is closed with a reason', () => {
  const { clock, log, write } = makeLog();
  const reasons: string[] = [];
  const reader = log.open({
    protocol: 'stuck',
    start: 'live',
    maxStuckMs: 5000,
    onClose: (reason) => reasons.push(reason.code),
  });
  for (let second = 0; second < 8; second++) {
    write(`K${second}`);
    clock.advance(1000);
    log.check(clock.monotonicMs());
  }
  assert.deepEqual(reasons, ['READER_STUCK']);
  assert.equal(names(reader.pull()), '');
  assert.equal(log.readerCount, 0);
});

test('an idle stream closes no reader, however long nothing comes', () => {
  const { clock, log, write } = makeLog();
  const reader = log.open({ protocol: 'test', start: 'live', maxStuckMs: 5000, onClose: () => assert.fail('closed') });
  write('K1');
  reader.pull();
  for (let second = 0; second < 60; second++) {
    clock.advance(1000);
    log.check(clock.monotonicMs());
  }
});

test('closing the log tells each reader why', () => {
  const { log } = makeLog();
  const codes: string[] = [];
  log.open({ protocol: 'a', start: 'live', onClose: (reason) => codes.push(reason.code) });
  log.open({ protocol: 'b', start: 'live', onClose: (reason) => codes.push(reason.code) });
  log.close(new WatchpostError('gone', { kind: 'not_found', code: 'GONE' }));
  assert.deepEqual(codes, ['GONE', 'GONE']);
});

test('the budget of all logs drops the oldest cache first', () => {
  const budget = new CacheBudget(100);
  const old = makeLog({ budget });
  const young = makeLog({ budget });
  old.write('K1 a b c d e');
  young.clock.advance(10);
  young.write('K1 a b c d e');
  budget.enforce(10);
  assert.deepEqual([old.log.hasCache, young.log.hasCache, budget.usedBytes], [false, true, 60]);
});

test('long histories keep their order while the ring grows and wraps', () => {
  const { log, write } = makeLog({ cacheLimitBytes: 1e9 });
  const reader = log.open({ protocol: 'test', start: 'live', maxLagMs: 1e9, maxLagBytes: 1e9 });
  const written: string[] = [];
  const read: string[] = [];
  for (let i = 0; i < 5000; i++) {
    const name = i % 50 === 0 ? `K${i}` : `a${i}`;
    written.push(name);
    write(name);
    if (i % 777 === 0) read.push(...reader.pull().map((item) => item.name));
  }
  read.push(...reader.pull().map((item) => item.name));
  assert.deepEqual(read, written);
});

/** Keeps names only, and none that ends with `!`. */
class NameKeeper implements ItemKeeper<{ name: string }> {
  kept: string[] = [];

  add(item: { name: string }): boolean {
    if (item.name.endsWith('!')) return false;
    this.kept.push(item.name);
    return true;
  }

  read(skip: number, count: number): { name: string }[] {
    return this.kept.slice(skip, skip + count).map((name) => ({ name }));
  }

  drop(count: number): void {
    this.kept.splice(0, count);
  }
}

test('what nobody reads is with its keeper, from the last key item on', () => {
  const keeper = new NameKeeper();
  const { log, write } = makeLog({ keeper });
  write('K1 a b');
  assert.deepEqual(keeper.kept, ['K1', 'a', 'b']);
  write('K2 c');
  assert.deepEqual(keeper.kept, ['K2', 'c']);
  assert.equal(log.bytes, 20);
});

test('a reader that comes by when it likes gets objects made anew; what is kept stays with the keeper', () => {
  const keeper = new NameKeeper();
  const { log, write } = makeLog({ keeper });
  write('K1 a');
  const reader = log.open({ protocol: 'test', start: 'gop' });
  write('b! c');
  assert.equal(names(reader.pull()), 'K1 a b! c');
  assert.deepEqual(keeper.kept, ['K1', 'a', 'c']);
  write('d e! K2 f g!');
  assert.deepEqual(keeper.kept, ['d', 'K2', 'f']);
  assert.equal(names(reader.pull()), 'd e! K2 f g!');
  assert.equal(names(reader.pull()), '');
  write('h K3');
  assert.equal(names(reader.pull()), 'h K3');
  assert.equal(names(log.open({ protocol: 'test', start: 'gop' }).pull()), 'K3');
});

test('the first reader that waits gets what was kept, and all that wait the very same objects', () => {
  const keeper = new NameKeeper();
  const { log, write } = makeLog({ keeper });
  const onReady = () => {};
  write('K1 a');
  const patient = log.open({ protocol: 'test', start: 'gop' });
  const first = log.open({ protocol: 'test', start: 'gop', onReady });
  assert.deepEqual(keeper.kept, []);
  write('b');
  const second = log.open({ protocol: 'test', start: 'gop', onReady });
  const [items, same] = [first.pull(), second.pull()];
  assert.equal(names(items), 'K1 a b');
  assert.ok(items.every((item, i) => item === same[i]));
  first.close();
  write('c');
  assert.deepEqual(keeper.kept, []);
  second.close();
  write('d K2');
  assert.deepEqual(keeper.kept, ['d', 'K2']);
  assert.equal(names(patient.pull()), 'K1 a b c d K2');
});

test('what the keeper does not take stays as it is, at its place', () => {
  const keeper = new NameKeeper();
  const { log, write } = makeLog({ keeper });
  write('K1 a! b! c d!');
  assert.deepEqual(keeper.kept, ['K1', 'c']);
  write('K2 e! f');
  const reader = log.open({ protocol: 'test', start: 'gop', onReady: () => {} });
  assert.equal(names(reader.pull()), 'K2 e! f');
});

test('what is held is what waits for readers, and what they say; not known where one cannot tell', () => {
  const keeper = new NameKeeper();
  const { log, write } = makeLog({ keeper });
  write('K1 a');
  assert.ok(log.knowsHolds);
  assert.equal(names(log.held()!), '');
  let holds: { name: string }[] | undefined = [];
  const reader = log.open({ protocol: 'test', start: 'gop', holds: () => holds });
  write('b! c K2 d');
  assert.equal(names(log.held()!), 'b! K1 a c', 'all of what waits: it may be of two tracks');
  holds = reader.pull().slice(-1);
  write('e f! K3');
  assert.equal(names(log.held()!), 'd f! e');
  holds = undefined;
  assert.equal(log.held(), undefined);
  assert.ok(log.knowsHolds);
  log.open({ protocol: 'test', start: 'live' });
  assert.ok(!log.knowsHolds);
});

test('a group that is too large, a cache that is dropped and a log that is closed leave nothing with the keeper', () => {
  const keeper = new NameKeeper();
  const { log, write, clock } = makeLog({ keeper, cacheLimitBytes: 45 });
  write('K1 a b c d e');
  assert.ok(keeper.kept.length < 5, keeper.kept.join(' '));
  assert.equal(log.hasCache, false);
  const reader = log.open({ protocol: 'test', start: 'gop' });
  assert.equal(names(reader.pull()), '');
  reader.close();
  write('K2 f');
  log.dropCache(clock.monotonicMs());
  assert.deepEqual(keeper.kept, []);
  write('g K3 h');
  log.close(new WatchpostError('over', { kind: 'canceled', code: 'OVER' }));
  assert.deepEqual(keeper.kept, []);
});

test('a reader gets what came after a cache was dropped', () => {
  const keeper = new NameKeeper();
  const { log, write, clock } = makeLog({ keeper });
  write('K1 a');
  log.dropCache(clock.monotonicMs());
  write('b');
  const reader = log.open({ protocol: 'test', start: 'live' });
  write('c K2 d');
  assert.equal(names(reader.pull()), 'c K2 d');
});
