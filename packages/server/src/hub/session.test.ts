import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseRtpPacket, writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import type { Track } from '@watchpost/media/types.ts';
import { StreamHub } from './stream-hub.ts';
import type { Publisher, StreamDefinition } from './types.ts';

// 640x360, as x264 writes it: Baseline, and High with two B-frames.
const sps = fromHex('6742c01ed900a03db011000003000100000300320f162e48');
const pps = fromHex('68cb83cb20');
const spsWithReorder = fromHex('6764001eacd940a02ff9610000030001000003003c8f162d96');
const ppsWithReorder = fromHex('68ebecb22c');
const video: Track = { id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, parameterSets: [sps, pps] };
const audio: Track = {
  id: 1,
  kind: 'audio',
  codec: 'pcma',
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  parameterSets: [],
};
const definition: StreamDefinition = {
  id: 'gate',
  title: 'Gate',
  protocol: 'test',
  sources: [],
  record: false,
  onDemand: false,
  stopped: false,
  origin: 'file',
};

async function makeStream() {
  const clock = new ManualClock();
  const hub = new StreamHub({
    clock,
    logger: silentLogger,
    reconnectDelayMs: 1000,
    protocolFor: () => undefined,
    pull: async () => {},
  });
  return { clock, hub, stream: await hub.define(definition) };
}

/** A camera of 25 pictures a second, each one packet; key pictures each second. */
class TestCamera {
  sequence = 65_500;
  timestamp = 0xffff_0000;
  frame = 0;
  readonly publisher: Publisher;
  readonly clock: ManualClock;

  constructor(publisher: Publisher, clock: ManualClock) {
    this.publisher = publisher;
    this.clock = clock;
  }

  send(frames: number, options: { key?: boolean } = {}): void {
    for (let i = 0; i < frames; i++) {
      const key = options.key ?? this.frame % 25 === 0;
      this.publisher.writeRtp(
        0,
        packet(Uint8Array.of(key ? 0x65 : 0x41, 0x9a, 1, 2, 3), this.sequence++, this.timestamp),
        0,
      );
      this.publisher.flush();
      this.frame++;
      this.timestamp = (this.timestamp + 3600) >>> 0;
      this.clock.advance(40);
    }
  }
}

function packet(payload: Uint8Array, sequence: number, timestamp: number) {
  const bytes = new Uint8Array(12 + payload.length);
  writeRtpHeader(bytes, 0, { payloadType: 96, marker: true, sequence, timestamp, ssrc: 7 });
  bytes.set(payload, 12);
  return parseRtpPacket(bytes, 0, bytes.length);
}

test('packets become samples with one clock that begins at 0, through the wrap of both counters', async () => {
  const { clock, stream } = await makeStream();
  const reader = stream.openReader({ protocol: 'test', start: 'live' });
  const camera = new TestCamera(stream.publish([{ track: video, format: {} }]), clock);
  camera.send(100);
  const samples = reader.pull();
  assert.deepEqual(
    samples.map((sample) => sample.dts),
    Array.from({ length: 100 }, (_, i) => i * 3600),
  );
  assert.deepEqual(samples.filter((sample) => sample.key).length, 4);
  assert.deepEqual([...samples[0]!.units[0]!], [0x65, 0x9a, 1, 2, 3]);
  assert.equal(samples[0]!.rtp!.length, 1);
  assert.equal(samples[50]!.wallMs - samples[0]!.wallMs, 2000);
});

test('a camera that begins its times anew 3 s back is dated by arrival until it reports again', async () => {
  const { clock, stream } = await makeStream();
  const publisher = stream.publish([{ track: video, format: {} }]);
  const camera = new TestCamera(publisher, clock);
  const reader = stream.openReader({ protocol: 'test', start: 'gop' });
  const report = () => publisher.senderReport(0, clock.wallMs() - 100, camera.timestamp);
  camera.send(25);
  report();
  camera.send(100);
  camera.timestamp = (camera.timestamp - 3 * 90_000) >>> 0;
  camera.send(50);
  report();
  camera.send(25);
  const aheadMs = reader.pull().map(({ wallMs, dts }) => Math.round(dts / 90 - wallMs));
  const steps = aheadMs.flatMap((ms, at) =>
    at > 0 && ms !== aheadMs[at - 1] ? [{ at, ms: ms - aheadMs[at - 1]! }] : [],
  );
  assert.deepEqual(steps, [
    { at: 25, ms: 100 },
    { at: 125, ms: -100 },
    { at: 175, ms: 100 },
  ]);
});

test('B-frames keep their times from the first picture on, because the SPS tells of them', async () => {
  const { clock, stream } = await makeStream();
  const reader = stream.openReader({ protocol: 'test', start: 'live' });
  const track = { ...video, parameterSets: [spsWithReorder, ppsWithReorder] };
  const camera = new TestCamera(stream.publish([{ track, format: {} }]), clock);
  const shown = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8];
  for (const place of shown) {
    camera.timestamp = 1000 + place * 3600;
    camera.send(1);
  }
  const samples = reader.pull();
  assert.deepEqual(
    samples.map(({ pts }) => pts / 3600),
    shown,
  );
  for (const [i, { dts, pts }] of samples.entries()) assert(dts <= pts && (i === 0 || dts > samples[i - 1]!.dts));
});

test('a stream is online with its first whole picture, not with its first packet', async () => {
  const { clock, stream } = await makeStream();
  const publisher = stream.publish([{ track: video, format: {} }]);
  const camera = new TestCamera(publisher, clock);
  camera.send(3, { key: false });
  assert.notEqual(stream.state, 'online');
  camera.send(1, { key: true });
  assert.equal(stream.state, 'online');
});

test('the next session goes on where the clock is; its track is another object', async () => {
  const { clock, stream } = await makeStream();
  const reader = stream.openReader({ protocol: 'test', start: 'live', maxLagMs: 1e9 });
  const first = stream.publish([{ track: video, format: {} }]);
  new TestCamera(first, clock).send(25);
  first.close();
  clock.advance(9000);
  new TestCamera(stream.publish([{ track: { ...video }, format: {} }]), clock).send(25);
  const samples = reader.pull();
  assert.equal(samples.length, 50);
  assert.notEqual(samples[24]!.track, samples[25]!.track);
  assert.equal((samples[25]!.dts - samples[0]!.dts) / 90_000, 10);
  for (let i = 1; i < samples.length; i++) assert(samples[i]!.dts > samples[i - 1]!.dts);
});

test('a camera that sends nothing, or no key picture, hangs by the rule', async () => {
  const { clock, stream } = await makeStream();
  const camera = new TestCamera(stream.publish([{ track: video, format: {} }]), clock);
  camera.send(50);
  assert.equal(stream.check(clock.monotonicMs()), undefined);
  clock.advance(8900);
  assert.equal(stream.check(clock.monotonicMs()), undefined);
  clock.advance(1200);
  assert.equal(stream.check(clock.monotonicMs())?.code, 'SOURCE_SILENT');
  camera.send(1, { key: true });
  assert.equal(stream.check(clock.monotonicMs()), undefined);
});

test('for the hung rule the longest GOP seen counts three times', async () => {
  const { clock, stream } = await makeStream();
  const camera = new TestCamera(stream.publish([{ track: video, format: {} }]), clock);
  camera.send(1, { key: true });
  camera.send(25 * 8, { key: false });
  camera.send(1, { key: true });
  camera.send(25 * 20, { key: false });
  assert.equal(stream.check(clock.monotonicMs()), undefined);
  camera.send(25 * 5, { key: false });
  assert.equal(stream.check(clock.monotonicMs())?.code, 'SOURCE_NO_KEY_FRAME');
});

test('a camera that falls silent long after its key picture is called silent', async () => {
  const { clock, stream } = await makeStream();
  const camera = new TestCamera(stream.publish([{ track: video, format: {} }]), clock);
  camera.send(1, { key: true });
  camera.send(25 * 5, { key: false });
  clock.advance(5000);
  assert.equal(stream.check(clock.monotonicMs())?.code, 'SOURCE_SILENT');
});

test('a GOP of half a minute is learnt in a few sessions', async () => {
  const { clock, stream } = await makeStream();
  const waits: number[] = [];
  let hung = true;
  for (let sessions = 0; hung && sessions < 5; sessions++) {
    const camera = new TestCamera(stream.publish([{ track: video, format: {} }]), clock);
    const startMs = clock.monotonicMs();
    hung = false;
    for (let frame = 0; frame < 100 * 25 && !hung; frame++) {
      camera.send(1, { key: frame % (30 * 25) === 0 });
      hung = frame % 25 === 0 && stream.check(clock.monotonicMs()) !== undefined;
    }
    if (hung) waits.push(Math.round((clock.monotonicMs() - startMs) / 1000));
  }
  assert.deepEqual(waits, [10, 20]);
});

test('malformed packets are counted and the stream goes on', async () => {
  const { clock, stream } = await makeStream();
  const publisher = stream.publish([{ track: video, format: {} }]);
  const camera = new TestCamera(publisher, clock);
  camera.send(10);
  publisher.writeRtp(0, packet(Uint8Array.of(0x18, 0xff, 0xff, 1), camera.sequence++, camera.timestamp), 0);
  camera.send(30);
  assert.equal(
    Object.values(stream.meter.counters).reduce((a, b) => a + b, 0),
    1,
  );
  assert.equal(stream.state, 'online');
  assert(stream.meter.frames > 20);
});

test('sound alone makes a stream, each frame a place to start', async () => {
  const { clock, stream } = await makeStream();
  const publisher = stream.publish([{ track: audio, format: {} }]);
  for (let i = 0; i < 10; i++) {
    publisher.writeRtp(0, packet(new Uint8Array(160), i, i * 160), 0);
    publisher.flush();
    clock.advance(20);
  }
  assert.equal(stream.state, 'online');
  assert(stream.openReader({ protocol: 'test', start: 'gop' }).pull().length >= 1);
});

test('tracks of a container keep their distance, whenever they come; new codec data keep the session', async () => {
  const { clock, stream } = await makeStream();
  const reader = stream.openReader({ protocol: 'test', start: 'live' });
  const publisher = stream.publish([
    { track: video, format: {} },
    { track: audio, format: {} },
  ]);
  const picture = (ms: number, track?: Track) => {
    const units = [Uint8Array.of(0x65, 0x88, 1)];
    publisher.writeUnit(0, { pts: ms * 90, dts: ms * 90, key: true, units, ...(track && { track }) });
    publisher.flush();
  };
  clock.advance(1000);
  picture(5000);
  clock.advance(300);
  // Sound of the same moment, 300 ms later.
  publisher.writeUnit(1, { pts: 5000 * 8, dts: 5000 * 8, key: true, units: [new Uint8Array(160)] });
  publisher.flush();
  const changed: Track = { ...video, parameterSets: [spsWithReorder, ppsWithReorder] };
  picture(5040, changed);
  const samples = reader.pull();
  assert.deepEqual(
    samples.map(({ pts, track }) => [track.kind, (pts * 1000) / track.clockRate]),
    [
      ['video', 0],
      ['audio', 0],
      ['video', 40],
    ],
  );
  assert.equal(samples[2]!.track, changed);
  assert.deepEqual(stream.tracks, [changed, audio]);
});
