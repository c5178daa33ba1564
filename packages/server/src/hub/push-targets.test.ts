import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { PushRun } from './push-runner.ts';
import { PushTargets } from './push-targets.ts';
import { StreamHub } from './stream-hub.ts';
import type { Protocol, StreamDefinition } from './types.ts';

const target = (name: string) => parseSourceUrl(`rtsp://user:secret@192.0.2.7/${name}`);
const gate: StreamDefinition = {
  id: 'gate',
  title: 'gate',
  protocol: 'rtsp',
  sources: [],
  push: [target('a')],
  record: false,
  onDemand: false,
  stopped: false,
  origin: 'api',
};
const protocol: Protocol = { name: 'rtsp', schemes: ['rtsp'], stats: () => ({}), push: async () => {} };
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A hub and targets whose sessions last until the test ends them. */
async function open(definition: StreamDefinition = gate) {
  const clock = new ManualClock();
  const hub = new StreamHub({
    clock,
    logger: silentLogger,
    reconnectDelayMs: 1000,
    protocolFor: () => undefined,
    pull: async () => {},
  });
  const runs: (PushRun & { fail(reason: WatchpostError): void })[] = [];
  const targets = new PushTargets(hub, {
    clock,
    logger: silentLogger,
    protocolFor: (scheme) => (scheme === 'rtsp' ? protocol : undefined),
    push: (_protocol, run) =>
      new Promise((_resolve, reject) => {
        run.signal.addEventListener('abort', () => reject(run.signal.reason));
        runs.push({ ...run, fail: reject });
      }),
  });
  const stream = await hub.define(definition);
  const set = async (state: 'online' | 'offline') => {
    stream.setState(state);
    await settle();
  };
  const advance = async (ms: number) => {
    clock.advance(ms);
    await settle();
    await settle();
  };
  return {
    ...{ hub, stream, targets, runs, set, advance },
    states: () => targets.of(stream).map(({ state }) => state),
    [Symbol.asyncDispose]: async () => {
      await targets[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
    },
  };
}

test('a target waits for its stream, is connected with it, and tells what was sent', async () => {
  await using bench = await open();
  await bench.set('offline');
  assert.deepEqual([bench.states(), bench.runs.length], [['waiting'], 0]);
  await bench.set('online');
  assert.deepEqual([bench.states(), bench.runs.length], [['connecting'], 1]);
  bench.runs[0]!.accepted();
  bench.runs[0]!.sent(1000);
  bench.runs[0]!.sent(234);
  const [status] = bench.targets.of(bench.stream);
  assert.deepEqual([status!.state, status!.bytes, status!.attempts], ['online', 1234, 1]);
});

test('a target that is lost is tried again, later and later, and says why', async () => {
  await using bench = await open();
  await bench.set('online');
  const waits: number[] = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    assert.equal(bench.runs.length, attempt + 1);
    bench.runs[attempt]!.fail(new WatchpostError('refused', { kind: 'unavailable', code: 'DIAL_REFUSED' }));
    await settle();
    const [status] = bench.targets.of(bench.stream);
    assert.deepEqual([status!.state, status!.reason?.code], ['offline', 'DIAL_REFUSED']);
    const waitMs = status!.retryAtMs! - status!.sinceMs;
    waits.push(waitMs);
    await bench.advance(waitMs - 1);
    assert.equal(bench.runs.length, attempt + 1, `not before ${waitMs} ms`);
    await bench.advance(1);
  }
  assert.equal(bench.runs.length, 7);
  assert.ok(waits[0]! >= 4000 && waits[0]! <= 6000, `${waits}`);
  assert.ok(waits[5]! > 10_000, `${waits}`);
});

test('a camera that blinks leaves the target alone; one that is gone ends it without blame', async () => {
  await using bench = await open();
  await bench.set('online');
  bench.runs[0]!.accepted();
  await bench.set('offline');
  await bench.advance(5000);
  await bench.set('online');
  await bench.advance(20_000);
  assert.deepEqual([bench.states(), bench.runs.length], [['online'], 1]);
  await bench.set('offline');
  await bench.advance(10_000);
  assert.deepEqual([bench.states(), bench.targets.of(bench.stream)[0]!.reason], [['waiting'], undefined]);
  await bench.set('online');
  assert.equal(bench.runs.length, 2, 'and comes back with it at once');
});

test('targets that stay are not touched when others come and go', async () => {
  await using bench = await open();
  await bench.set('online');
  bench.runs[0]!.accepted();
  await bench.hub.define({ ...gate, push: [target('b'), target('a')] });
  await settle();
  assert.deepEqual(bench.states(), ['connecting', 'online']);
  await bench.hub.define({ ...gate, push: [target('a')] });
  await settle();
  assert.deepEqual([bench.states(), bench.runs.map(({ signal }) => signal.aborted)], [['online'], [false, true]]);
  await bench.hub.remove('gate');
  await settle();
  assert.deepEqual([bench.states(), bench.runs[0]!.signal.aborted], [[], true]);
});

test('a stream on demand is pulled for its target', async () => {
  await using bench = await open({ ...gate, onDemand: true });
  assert.ok(bench.stream.isRead);
  await bench.hub.define({ ...gate, onDemand: true, push: [] });
  await settle();
  assert.ok(!bench.stream.isRead);
});

test('an address of no protocol is a reason, not a crash', async () => {
  await using bench = await open({ ...gate, push: [parseSourceUrl('srt://192.0.2.7:9000')] });
  await bench.set('online');
  await settle();
  assert.equal(bench.targets.of(bench.stream)[0]!.reason?.code, 'SCHEME_UNSUPPORTED');
});
