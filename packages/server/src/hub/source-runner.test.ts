import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import { ManualClock } from '@watchpost/base/clock.ts';
import { type ErrorKind, WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { refuseOffline } from './admit-viewer.ts';
import { SharedOutput } from './shared-output.ts';
import { type HubChange, StreamHub } from './stream-hub.ts';
import type { Protocol, Publish, Publisher, StreamDefinition } from './types.ts';

const protocol: Protocol = { name: 'rtsp', schemes: ['rtsp'], stats: () => ({}), pull: async () => {} };
const settle = async () => {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
};
const track = (id: number): Track => ({
  ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, width: 640, height: 360 + id },
  parameterSets: [fromHex('6742c01ed901e089f970110000030001000003003c0f162e48'), fromHex('68cb83cb20')],
});

/** A camera of the test: a picture each 40 ms, a key picture each second, by the test's clock. */
class Camera {
  isUp = true;
  isMute = false;
  refusal: ErrorKind = 'unavailable';
  /** It lets us in, and that is all. */
  isIdle = false;
  attempts = 0;
  readonly #publishers = new Set<{ publisher: Publisher; frame: number; end: (reason: Error) => void }>();
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }

  get sessions(): number {
    return this.#publishers.size;
  }

  async pull(publish: Publish, signal: AbortSignal): Promise<void> {
    this.attempts++;
    if (!this.isUp) throw new WatchpostError('refused', { kind: this.refusal, code: 'SOURCE_REFUSED' });
    const { promise, reject } = Promise.withResolvers<void>();
    if (this.isIdle) return await new Promise((_, end) => signal.addEventListener('abort', () => end(signal.reason)));
    const entry = {
      publisher: publish([{ track: track(this.id), format: {} }], undefined, { name: `way ${this.id}` }),
      frame: 7,
      end: reject,
    };
    this.#publishers.add(entry);
    signal.addEventListener('abort', () => reject(signal.reason));
    await promise.finally(() => this.#publishers.delete(entry));
  }

  frame(): void {
    if (this.isMute) return;
    for (const entry of this.#publishers) {
      const key = entry.frame % 25 === 7;
      const pts = entry.frame++ * 3600;
      const unit = Uint8Array.of(key ? 0x65 : 0x41, this.id, 1, 2, 3);
      entry.publisher.writeUnit(0, { pts, dts: pts, key, units: [unit] });
      entry.publisher.flush();
    }
  }

  fail(): void {
    this.isUp = false;
    for (const { end } of this.#publishers)
      end(new WatchpostError('gone', { kind: 'unavailable', code: 'SOURCE_ENDED' }));
  }
}

async function open(count = 2, more: Partial<StreamDefinition> = {}) {
  const clock = new ManualClock();
  const cameras = Array.from({ length: count }, (_, i) => new Camera(i));
  const hub = new StreamHub({
    clock,
    logger: silentLogger,
    reconnectDelayMs: 2000,
    protocolFor: () => protocol,
    pull: (_protocol, source, { publish, signal }) => cameras[Number(source.path.slice(1))]!.pull(publish, signal),
  });
  const changes: HubChange[] = [];
  hub.onChange((change) => changes.push(change));
  const stream = await hub.define({
    ...{ id: 'gate', title: 'gate', protocol: 'rtsp', record: false, onDemand: false, stopped: false, origin: 'api' },
    sources: cameras.map((_, i) => parseSourceUrl(`rtsp://192.0.2.1/${i}`)),
    ...more,
  });
  const reader = more.onDemand ? undefined : stream.openReader({ protocol: 'test', start: 'key' });
  const samples: Sample[] = [];
  const run = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 40) {
      for (const camera of cameras) camera.frame();
      samples.push(...(reader?.pull() ?? []));
      clock.advance(40);
      await settle();
    }
  };
  return {
    ...{ clock, cameras, hub, stream, samples, run, changes },
    sources: () => samples.map(({ units }) => units[0]![1]!).filter((id, i, all) => i === 0 || all[i - 1] !== id),
    states: () => changes.flatMap((change) => (change.type === 'state' ? [change.stream.state] : [])),
    [Symbol.asyncDispose]: async () => {
      const done = hub[Symbol.asyncDispose]();
      await settle();
      clock.advance(1000);
      await done;
    },
  };
}

function assertGoesOn(samples: readonly Sample[]): void {
  for (const [i, sample] of samples.entries()) {
    const before = samples[i - 1];
    if (before === undefined) continue;
    assert(sample.dts > before.dts, `time goes on at ${i}: ${before.dts} ${sample.dts}`);
    if (sample.track !== before.track) assert.equal(sample.key, true, 'another source begins with a key picture');
  }
}

test('the next source is used at once when one ends, and the better one again when it is steady', async () => {
  await using bench = await open();
  const [first, second] = bench.cameras;
  await bench.run(4000);
  first!.fail();
  await bench.run(4000);
  assert.deepEqual([bench.stream.state, bench.stream.source?.index], ['online', 1]);
  assert.equal(bench.stream.source!.why, 'gone');
  assert.equal(bench.stream.transport?.name, 'way 1');
  assert.equal(bench.states().includes('offline'), false);
  first!.isUp = true;
  const before = bench.samples.length;
  await bench.run(30_000);
  assert.deepEqual([bench.stream.source?.index, bench.stream.source?.why], [0, 'it sends again']);
  assert.equal(bench.stream.transport?.name, 'way 0');
  assert.deepEqual(bench.sources(), [0, 1, 0]);
  assertGoesOn(bench.samples);
  assert.deepEqual([first!.sessions, second!.sessions], [1, 0]);
  const ms = bench.samples.slice(before).map(({ dts }) => dts / 90);
  const longest = Math.max(...ms.slice(1).map((at, i) => at - ms[i]!));
  assert(longest <= 200, `no more than a cut: ${longest} ms`);
  assert.equal(bench.states().at(-1), 'online');
  assert.equal(bench.stream.sinceMs < bench.stream.source!.sinceMs, true, 'it never went offline for the better one');
});

test('a source that goes silent is left after three seconds', async () => {
  await using bench = await open();
  await bench.run(3000);
  bench.cameras[0]!.isMute = true;
  await bench.run(6000);
  assert.equal(bench.stream.source?.index, 1);
  assert.match(bench.stream.source!.why!, /sent nothing/);
  assertGoesOn(bench.samples);
});

test('a better source that is there but sends nothing does not take over, and is tried ever more rarely', async () => {
  await using bench = await open(3);
  bench.cameras[0]!.isMute = true;
  bench.cameras[1]!.isUp = false;
  await bench.run(120_000);
  assert.equal(bench.stream.source?.index, 2);
  assert.equal(bench.stream.state, 'online');
  assert(bench.cameras[1]!.attempts >= 2 && bench.cameras[1]!.attempts < 12, `${bench.cameras[1]!.attempts}`);
  bench.cameras[1]!.isUp = true;
  await bench.run(70_000);
  assert.equal(bench.stream.source?.index, 1);
  assertGoesOn(bench.samples);
});

test('the source in use may end while a better one is tried', async () => {
  await using bench = await open();
  bench.cameras[0]!.fail();
  await bench.run(3000);
  bench.cameras[0]!.isUp = true;
  await bench.run(4500);
  assert.deepEqual(
    bench.cameras.map(({ sessions }) => sessions),
    [1, 1],
    'the better one is being tried',
  );
  bench.cameras[1]!.fail();
  await bench.run(8000);
  assert.deepEqual([bench.stream.state, bench.stream.source?.index], ['online', 0]);
  assertGoesOn(bench.samples);
});

test('where all sources are away the one that may be tried first is waited for', async () => {
  await using bench = await open();
  for (const camera of bench.cameras) camera.fail();
  await bench.run(1000);
  assert.equal(bench.stream.state, 'offline');
  assert.deepEqual(
    bench.cameras.map(({ attempts }) => attempts),
    [1, 1],
  );
  bench.cameras[1]!.isUp = true;
  await bench.run(10_000);
  assert.deepEqual([bench.stream.state, bench.stream.source?.index], ['online', 1]);
});

test('a source that lets us in and sends nothing is left for the next one', async () => {
  await using bench = await open();
  bench.cameras[0]!.isIdle = true;
  bench.cameras[0]!.fail();
  bench.cameras[0]!.isUp = true;
  bench.cameras[1]!.isUp = false;
  await bench.run(3000);
  bench.cameras[1]!.isUp = true;
  await bench.run(13_000);
  assert.deepEqual([bench.stream.state, bench.stream.source?.index], ['online', 1]);
  assert.match(bench.stream.source!.why!, /Neither picture nor sound has come for 10 s/);
});

test('a better source takes over with its first key picture where the one in use shows nothing', async () => {
  await using bench = await open();
  bench.cameras[1]!.isIdle = true;
  bench.cameras[0]!.fail();
  await bench.run(4000);
  bench.cameras[0]!.isUp = true;
  await bench.run(1200);
  assert.deepEqual([bench.stream.state, bench.stream.source?.index], ['online', 0]);
});

for (const [refusal, attempts] of [
  ['not_found', 2],
  ['unauthenticated', 1],
] as const) {
  test(`a stand-in that was ${refusal} before is tried ${attempts === 2 ? 'at once' : 'no sooner'} when the picture is lost`, async () => {
    await using bench = await open();
    const [first, second] = bench.cameras;
    second!.isUp = false;
    second!.refusal = refusal;
    first!.fail();
    await bench.run(400);
    first!.isUp = true;
    await bench.run(5000);
    assert.deepEqual([bench.stream.source?.index, second!.attempts], [0, 1]);
    second!.isUp = true;
    first!.fail();
    await bench.run(1000);
    assert.equal(second!.attempts, attempts);
  });
}

test('stopping ends the source in use and those that are tried', async () => {
  await using bench = await open();
  bench.cameras[0]!.fail();
  await bench.run(2000);
  bench.cameras[0]!.isUp = true;
  await bench.run(5000);
  assert.deepEqual(
    bench.cameras.map(({ sessions }) => sessions),
    [1, 1],
  );
  await bench.hub.define({ ...bench.stream.definition, stopped: true });
  await bench.run(400);
  assert.deepEqual(
    bench.cameras.map(({ sessions }) => sessions),
    [0, 0],
  );
});

test('whoever comes back to a camera on demand sees nothing of the time before', async () => {
  await using bench = await open(1, { onDemand: true });
  const first = bench.stream.openReader({ protocol: 'test', start: 'gop' });
  await bench.run(4000);
  assert.ok(first.pull().length > 50);
  first.close();
  await bench.run(30_000);
  assert.equal(bench.stream.state, 'on_demand');
  const cameBackMs = bench.clock.wallMs();
  const second = bench.stream.openReader({ protocol: 'test', start: 'gop' });
  const atOnce = second.pull();
  await bench.run(4000);
  const seen = second.pull();
  second.close();
  assert.deepEqual(atOnce, []);
  assert.ok(seen.length > 50 && seen.every(({ wallMs }) => wallMs >= cameBackMs));
});

test('who asks for a camera on demand that was away need not wait for the back-off; logins are not guessed', async () => {
  for (const [refusal, least, most] of [
    ['unavailable', 2, 4],
    ['unauthenticated', 0, 1],
  ] as const) {
    await using bench = await open(1, { onDemand: true });
    const [camera] = bench.cameras;
    Object.assign(camera!, { isUp: false, refusal });
    const patient = bench.stream.openReader({ protocol: 'test', start: 'gop' });
    await bench.run(60_000);
    patient.close();
    await bench.run(100);
    const before = camera!.attempts;
    // Somebody who looks twice a second is no reason for more than an attempt each two seconds.
    for (let i = 0; i < 10; i++) {
      bench.stream.openReader({ protocol: 'test', start: 'gop' }).close();
      await bench.run(500);
    }
    const made = camera!.attempts - before;
    assert.ok(made >= least && made <= most, `${refusal}: ${made} attempts in 5 s`);
  }
});

for (const [how, refusal, most] of [
  ['opens a reader', 'unavailable', 4],
  ['watches beside somebody', 'unavailable', 4],
  ['is refused because it is offline', 'unavailable', 4],
  ['opens a reader', 'unauthenticated', 1],
] as const) {
  test(`who ${how} hastens the next attempt for a camera that is always pulled and was ${refusal}`, async () => {
    await using bench = await open(1);
    const [camera] = bench.cameras;
    const output = new SharedOutput(bench.stream, {
      ...{ clock: bench.clock, protocol: 'test', onSamples: () => {}, onEnd: () => {} },
    });
    output.open({ protocol: 'test', start: 'gop' });
    const ask = () => {
      if (how === 'opens a reader') bench.stream.openReader({ protocol: 'test', start: 'gop' }).close();
      else if (how === 'watches beside somebody') output.open({ protocol: 'test', start: 'gop' }).close();
      else assert.throws(() => refuseOffline(bench.stream), { code: 'STREAM_OFFLINE' });
    };
    camera!.refusal = refusal;
    camera!.fail();
    await bench.run(180_000);
    // The next one is a good half minute away.
    for (let before = camera!.attempts; camera!.attempts === before; ) await bench.run(200);
    await bench.run(3000);
    const before = camera!.attempts;
    for (let i = 0; i < 10; i++) {
      ask();
      await bench.run(500);
    }
    const made = camera!.attempts - before;
    assert.ok(made <= most && (refusal === 'unauthenticated' || made >= 2), `${made} attempts in 5 s`);
    camera!.isUp = true;
    if (bench.stream.state === 'offline') ask();
    await bench.run(3000);
    assert.equal(bench.stream.state, refusal === 'unauthenticated' ? 'offline' : 'online');
  });
}

test('who asks while an attempt is made has the next one after reconnect_delay', async () => {
  await using bench = await open(1);
  const [camera] = bench.cameras;
  camera!.fail();
  Object.assign(camera!, { isUp: true, isIdle: true });
  await bench.run(400_000);
  for (let before = camera!.attempts; camera!.attempts === before; ) await bench.run(200);
  assert.equal(bench.stream.state, 'connecting');
  bench.stream.openReader({ protocol: 'test', start: 'gop' }).close();
  await bench.run(31_000);
  camera!.isIdle = false;
  await bench.run(4000);
  assert.equal(bench.stream.state, 'online');
});

test('who asks when all sources are away has each of them tried', async () => {
  await using bench = await open(3);
  for (const camera of bench.cameras) camera.fail();
  await bench.run(300_000);
  const before = bench.cameras.map(({ attempts }) => attempts);
  for (let i = 0; i < 4; i++) {
    bench.stream.openReader({ protocol: 'test', start: 'gop' }).close();
    await bench.run(1000);
  }
  assert.ok(bench.cameras.every(({ attempts }, i) => attempts > before[i]!));
});
