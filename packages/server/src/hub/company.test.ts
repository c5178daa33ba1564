import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { Follower, Voice } from './company.ts';
import { SharedLog } from './shared-log.ts';
import type { Reader } from './types.ts';

/** An item whose bytes are its number; `edition` is something that each viewer must have seen before. */
interface Item {
  readonly number: number;
  readonly edition: number;
}

/** A log whose items are numbered. */
function makeLog() {
  const clock = new ManualClock();
  const log = new SharedLog<Item>({ clock, cacheLimitBytes: 1_000_000 });
  let number = 0;
  const write = (count: number, options: { key?: boolean; edition?: number } = {}) => {
    for (let i = 0; i < count; i++) {
      const item = { number: ++number, edition: options.edition ?? 1 };
      log.append(item, { randomAccess: options.key === true || number === 1, bytes: 4, atMs: clock.monotonicMs() });
    }
    log.flush();
  };
  const voices = new Map<number, Voice<Item> & { sentBytes: number }>();
  const voiceOf = (edition: number) => {
    const known = voices.get(edition);
    if (known !== undefined) return known;
    const voice: Voice<Item> & { sentBytes: number } = {
      sentBytes: 0,
      bytesOf: (item) => (item.edition === edition ? bytesOf(item) : undefined),
      sent: (bytes) => {
        voice.sentBytes += bytes;
      },
    };
    voices.set(edition, voice);
    return voice;
  };
  return { clock, log, write, voiceOf };
}

const bytesOf = ({ number }: Item) => Uint8Array.of(number >> 8, number & 255);

/** A viewer as the protocols have them: looks at items itself until it is up to date, then goes in step. */
class TestViewer implements Follower<Item> {
  readonly taken: number[] = [];
  /** What it looked at itself. */
  readonly looked: number[] = [];
  readonly left: [last: number | undefined, isBlocked: boolean][] = [];
  readonly socket: Writable;
  readonly reader: Reader<Item>;
  onWrite: (() => void) | undefined;
  ended: WatchpostError | undefined;
  writes = 0;
  #finish: (() => void)[] = [];
  #isHeld = false;
  #edition = 0;
  #blocked = false;
  readonly #voiceOf: (edition: number) => Voice<Item>;

  constructor({ log, voiceOf }: ReturnType<typeof makeLog>, highWaterMark = 64) {
    this.#voiceOf = voiceOf;
    const take = (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length; at += 2) this.taken.push(bytes[at]! * 256 + bytes[at + 1]!);
    };
    const onTaken = (done: () => void) => {
      this.writes++;
      this.onWrite?.();
      if (this.#isHeld) this.#finish.push(done);
      else done();
    };
    this.socket = new Writable({
      highWaterMark,
      write: (bytes, _encoding, done) => {
        take(bytes);
        onTaken(done);
      },
      writev: (chunks, done) => {
        for (const { chunk } of chunks) take(chunk);
        onTaken(done);
      },
    });
    this.socket.on('drain', () => {
      this.#blocked = false;
      this.#pump();
    });
    this.reader = log.open({
      ...{ protocol: 'test', start: 'gop', onReady: () => this.#pump(), maxLagMs: 60_000 },
      onClose: (reason) => {
        this.ended = reason;
      },
    });
    this.#pump();
  }

  get voice(): Voice<Item> {
    return this.#voiceOf(this.#edition);
  }

  leftStep(last: Item | undefined, isBlocked: boolean): void {
    this.left.push([last?.number, isBlocked]);
    this.#blocked = isBlocked;
  }

  /** Its other end takes nothing more. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    for (const done of this.#finish.splice(0)) done();
  }

  #pump(): void {
    if (this.#blocked) return;
    for (const item of this.reader.pull()) {
      this.looked.push(item.number);
      this.#edition = item.edition;
      this.#blocked = !this.socket.write(bytesOf(item));
    }
    if (!this.#blocked && this.#edition > 0) this.reader.follow(this);
  }
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const nextTick = () => new Promise((resolve) => setImmediate(resolve));

test('who is up to date gets what comes without looking at it, in one write; who comes later looks first', async () => {
  const bench = makeLog();
  bench.write(2);
  const first = new TestViewer(bench);
  bench.write(3);
  const second = new TestViewer(bench);
  bench.write(1);
  const { writes } = first;
  bench.write(4);
  await nextTick();
  assert.deepEqual([first.taken, second.taken], [upTo(10), upTo(10)]);
  assert.deepEqual([first.looked, second.looked], [upTo(2), upTo(5)]);
  assert.equal(first.writes - writes, 1, 'many at once go out as one');
  assert.equal(bench.voiceOf(1).sentBytes, 2 * (3 + 1 + 1 + 4 + 4));
  assert.deepEqual([first.reader.lagMs, first.reader.pull()], [0, []]);
});

test('who takes nothing leaves, misses nothing, and comes back; the others go on', async () => {
  const bench = makeLog();
  bench.write(1);
  const [slow, quick] = [new TestViewer(bench, 4), new TestViewer(bench)];
  await nextTick();
  slow.hold();
  for (let i = 0; i < 20; i++) bench.write(1);
  assert.deepEqual(quick.taken, upTo(21));
  assert.deepEqual(slow.left, [[3, true]], 'it got the third, after which it was full');
  assert.ok(slow.reader.lagMs >= 0 && slow.taken.length < 5);
  bench.clock.advance(500);
  assert.equal(slow.reader.lagMs, 500);
  slow.release();
  for (let i = 0; i < 10; i++) await nextTick();
  assert.deepEqual(slow.taken, upTo(21));
  const looked = slow.looked.length;
  bench.write(2);
  await nextTick();
  assert.deepEqual(slow.taken, upTo(23));
  assert.equal(slow.looked.length, looked, 'it goes in step again');
});

test('an item that is not the same for all is looked at by each, after what came before it', async () => {
  const bench = makeLog();
  bench.write(1);
  const viewers = [new TestViewer(bench), new TestViewer(bench)];
  bench.write(2);
  for (let number = 0; number < 2; number++)
    bench.log.append({ number: 4 + number, edition: 1 }, { randomAccess: false, bytes: 4, atMs: 0 });
  bench.log.append({ number: 6, edition: 2 }, { randomAccess: true, bytes: 4, atMs: 0 });
  bench.log.append({ number: 7, edition: 2 }, { randomAccess: false, bytes: 4, atMs: 0 });
  bench.log.flush();
  bench.log.append({ number: 8, edition: 2 }, { randomAccess: false, bytes: 4, atMs: 0 });
  bench.log.flush();
  await nextTick();
  for (const viewer of viewers) {
    assert.deepEqual(viewer.taken, upTo(8));
    assert.deepEqual(viewer.looked, [1, 6, 7]);
    assert.deepEqual(viewer.left, [[5, false]]);
  }
});

test('who closes gets no more, in the middle of a round, too; the end of the log is told to all', async () => {
  const bench = makeLog();
  bench.write(1);
  const viewers = Array.from({ length: 5 }, () => new TestViewer(bench));
  viewers[1]!.onWrite = () => {
    viewers[0]!.reader.close();
    viewers[1]!.reader.close();
    viewers[4]!.reader.close();
  };
  bench.write(1);
  bench.write(1);
  await nextTick();
  assert.deepEqual(
    viewers.map(({ taken }) => taken.at(-1)),
    [2, 2, 3, 3, 2],
  );
  assert.equal(bench.log.readerCount, 2);
  bench.log.close({ code: 'OVER' } as WatchpostError);
  assert.deepEqual(
    viewers.map(({ ended }) => ended?.code),
    [undefined, undefined, 'OVER', 'OVER', undefined],
  );
});

test('who goes in step is not stuck, however long; who is full is', () => {
  const bench = makeLog();
  bench.write(1);
  const [slow, quick] = [new TestViewer(bench, 1), new TestViewer(bench)];
  slow.hold();
  for (let second = 0; second < 50; second++) {
    bench.write(1, { key: true });
    bench.clock.advance(1000);
    bench.log.check(bench.clock.monotonicMs());
  }
  assert.equal(quick.ended, undefined);
  assert.equal(slow.ended?.code, 'READER_STUCK');
});

test('viewers that come, go and stall at random get each item once and in order', async () => {
  const bench = makeLog();
  let seed = 7;
  const random = (n: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % n;
  };
  let viewers: TestViewer[] = [];
  let edition = 1;
  let steps = 0;
  bench.write(1);
  for (let round = 0; round < 600; round++) {
    if (random(3) === 0 && viewers.length < 40) viewers.push(new TestViewer(bench, 2 + 2 * random(6)));
    const some = viewers[random(viewers.length || 1)];
    if (random(4) === 0) some?.hold();
    if (random(2) === 0) some?.release();
    if (random(15) === 0) some?.reader.close();
    if (random(40) === 0) edition++;
    bench.write(1 + random(3), { key: random(10) === 0, edition });
    if (random(2) === 0) await nextTick();
    bench.clock.advance(10);
    if (round % 50 < 49) continue;
    for (const viewer of viewers) viewer.release();
    for (let i = 0; i < 60; i++) await nextTick();
    for (const { taken, looked } of viewers) {
      assert.deepEqual(taken, upTo(taken.at(-1)!, taken[0]));
      steps += taken.length - looked.length;
    }
    viewers = viewers.filter((_, i) => i % 3 > 0);
  }
  assert.ok(steps > 10_000, `${steps} items in step`);
});
