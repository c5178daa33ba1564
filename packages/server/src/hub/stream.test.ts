import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { BatchFacts } from '@watchpost/media/container/flv/batch-builder.ts';
import { parseRtpPacket, writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { CacheBudget } from './cache-budget.ts';
import { LiveFlv } from './live-flv/live-flv.ts';
import type { Stream } from './stream.ts';
import { StreamHub } from './stream-hub.ts';
import type { AnnouncedTrack, ChunkRecycler, Publisher, SilentStreams } from './types.ts';

// 640x360, as x264 writes it: Baseline.
const sps = fromHex('6742c01ed900a03db011000003000100000300320f162e48');
const pps = fromHex('68cb83cb20');
const video: Track = { id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, parameterSets: [sps, pps] };
const audio: Track = {
  ...{ id: 1, kind: 'audio', codec: 'aac', clockRate: 16_000, sampleRate: 16_000, channels: 1 },
  parameterSets: [Uint8Array.of(0x14, 0x08)],
};
const aacFormat = { mode: 'AAC-hbr', sizelength: '13', indexlength: '3', indexdeltalength: '3' };

async function makeBench(silent?: SilentStreams) {
  const clock = new ManualClock();
  const hub = new StreamHub({
    ...{ clock, logger: silentLogger, reconnectDelayMs: 1000, ...(silent && { silent }) },
    protocolFor: () => undefined,
    pull: async () => {},
  });
  const stream = await hub.define({
    ...{ id: 'gate', title: 'Gate', protocol: 'rtsp', sources: [], record: true, onDemand: false, stopped: false },
    origin: 'api',
  });
  return { clock, hub, stream, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

test('pictures may wait while nobody reads; of what is recorded so long that a kill costs 1.2 s at most; and not for a viewer', async () => {
  await using bench = await makeBench();
  const { stream, clock } = bench;
  assert.equal(stream.patienceMs, Number.POSITIVE_INFINITY);
  const recorder = stream.openReader({ protocol: 'recorder', start: 'key' });
  assert.equal(stream.patienceMs, 0, 'nobody knows yet how many pictures come');
  for (const [fps, patienceMs] of [
    [25, 210],
    [10, 150],
    [2, 0],
  ] as const) {
    for (let second = 0; second < 8; second++) {
      stream.meter.frames += fps;
      clock.advance(1000);
    }
    assert.equal(Math.round(stream.patienceMs), patienceMs);
  }
  const viewer = stream.openReader({ protocol: 'fmp4', start: 'gop', onReady: () => {} });
  assert.equal(stream.patienceMs, 0);
  viewer.close();
  recorder.close();
  assert.equal(stream.patienceMs, Number.POSITIVE_INFINITY);
});

/** Chunks of a camera, one for each packet; what is given back is written over at once. */
class PoisonedChunks implements ChunkRecycler {
  live: Uint8Array[] = [];
  given = 0;
  #exposed = true;

  allocate(bytes: number): Uint8Array {
    const chunk = new Uint8Array(bytes);
    if (!this.#exposed) this.live.push(chunk);
    return chunk;
  }

  expose(): void {
    this.#exposed = true;
    this.forget();
  }

  conceal(): void {
    this.#exposed = false;
  }

  forget(): void {
    this.live = [];
  }

  release(inUse: readonly Uint8Array[]): void {
    const places = inUse.map(({ buffer }) => this.live.findIndex((chunk) => chunk.buffer === buffer));
    const end = Math.max(0, Math.min(...places));
    for (const chunk of this.live.splice(0, end)) chunk.fill(0xee);
    this.given += end;
  }
}

interface Place {
  readonly timestamp: number;
  readonly half: number;
  readonly isUnfinished?: boolean;
}

/** A stream of 25 pictures a second and sound, whose bytes say which they are. */
class NumberedCamera {
  readonly chunks = new PoisonedChunks();
  readonly #publisher: Publisher;
  readonly #clock: ManualClock;
  readonly #hasSecond: boolean;
  #frame = 0;

  /** `hasSecond`: it has a second picture, of half the rate. */
  constructor(stream: Stream, clock: ManualClock, hasSecond = false) {
    this.#clock = clock;
    this.#hasSecond = hasSecond;
    const announced: AnnouncedTrack[] = [
      { track: video, format: {} },
      { track: audio, format: aacFormat },
    ];
    if (hasSecond) announced.push({ track: { ...video, id: 2 }, format: {} });
    this.#publisher = stream.publish(announced, this.chunks);
  }

  send(frames: number): void {
    for (let i = 0; i < frames; i++) {
      const frame = this.#frame++;
      const number = [frame >> 8, frame & 255];
      const at = { timestamp: frame * 3600, half: 0 };
      const hasSecond = this.#hasSecond && frame % 2 === 0;
      // Its pictures begin before those of the first and end after them.
      const type = frame % 70 === 0 ? 5 : 1;
      if (hasSecond) this.#write(2, [0x7c, 0x80 | type, 0x9a, ...number], { ...at, isUnfinished: true });
      if (frame % 16 === 0) this.#writeSound((frame / 16) * 10);
      this.#write(0, [frame % 50 === 0 ? 0x65 : 0x41, 0x9a, ...number], at);
      if (hasSecond) this.#write(2, [0x7c, 0x40 | type, 0x80], { ...at, half: 1 });
      this.#publisher.flush();
      this.#clock.advance(40);
    }
  }

  /** Ten frames in one packet, which are 0.64 s. */
  #writeSound(first: number): void {
    const frames = Array.from({ length: 10 }, (_, i) => [(first + i) >> 8, (first + i) & 255, 1, 2]);
    const heads = frames.flatMap(({ length }) => [length >> 5, (length & 31) << 3]);
    this.#write(1, [0, heads.length * 8, ...heads, ...frames.flat()], { timestamp: first * 1024, half: 1 });
  }

  #write(track: number, payload: readonly number[], place: Place): void {
    const { timestamp, half, isUnfinished = false } = place;
    const chunk = this.chunks.allocate(12 + payload.length);
    const sequence = (this.#frame * 2 + half) & 0xffff;
    writeRtpHeader(chunk, 0, { payloadType: 96, marker: !isUnfinished, sequence, timestamp, ssrc: track });
    chunk.set(payload, 12);
    this.#publisher.writeRtp(track, parseRtpPacket(chunk, 0, chunk.length), 0);
  }
}

/** The picture or frame of sound that a sample says to be, and the one that its time says. */
function numbers({ track, dts, units }: Sample): [said: number, meant: number] {
  const bytes = units[0]!;
  const at = track.kind === 'video' ? 2 : 0;
  return [bytes[at]! * 256 + bytes[at + 1]!, Math.floor(dts / (track.kind === 'video' ? 3600 : 1024))];
}

for (const pictures of [1, 2])
  test(`memory that a reader holds is never used again, all else is; whatever it holds for how long (${pictures} video tracks)`, async () => {
    await using bench = await makeBench();
    const { stream, clock } = bench;
    const camera = new NumberedCamera(stream, clock, pictures === 2);
    let held: Sample[] | undefined = [];
    const reader = stream.openReader({ protocol: 'recorder', start: 'gop', holds: () => held });
    let checked = 0;
    let seed = 1;
    const random = (n: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % n;
    };
    for (let round = 0; round < 400; round++) {
      camera.send(1 + random(40));
      const before: Sample[] = held ?? [];
      const pulled = reader.pull();
      for (const sample of [...before, ...pulled]) {
        const [said, meant] = numbers(sample);
        assert.equal(said, meant);
        checked++;
      }
      // Now and then all of it is held, and it does not say so.
      const last = (id: number) => pulled.filter(({ track }) => track.id === id).slice(-1);
      held = round % 9 === 0 ? undefined : [];
      if (round % 3 > 0) held?.push(...last(video.id), ...last(audio.id), ...last(2));
      if (held !== undefined) continue;
      camera.send(60);
      for (const sample of pulled) assert.equal(...numbers(sample));
      held = [...pulled];
    }
    assert.ok(checked > 15_000, `${checked}`);
    assert.ok(camera.chunks.given > 6000, `${camera.chunks.given} were used again`);
    assert.ok(camera.chunks.live.length < 2000, `${camera.chunks.live.length} wait`);
  });

test('while somebody reads who may hold anything, no memory is used again', async () => {
  await using bench = await makeBench();
  const { stream, clock } = bench;
  const camera = new NumberedCamera(stream, clock);
  const recorder = stream.openReader({ protocol: 'recorder', start: 'gop', holds: () => [] });
  const seconds = (count: number) => {
    for (let i = 0; i < count; i++) {
      camera.send(25);
      recorder.pull();
    }
  };
  seconds(10);
  const { given } = camera.chunks;
  assert.ok(given > 200);
  const viewer = stream.openReader({ protocol: 'fmp4', start: 'gop', onReady: () => {} });
  seconds(8);
  const seen = viewer.pull();
  assert.ok(seen.length > 300);
  assert.equal(camera.chunks.given, given);
  viewer.close();
  seconds(10);
  for (const sample of seen) assert.equal(...numbers(sample));
  assert.ok(camera.chunks.given > given);
});

test('what is watched as FLV only is copied: its memory is used again, and every byte arrives', async () => {
  await using bench = await makeBench();
  const { stream, clock } = bench;
  const camera = new NumberedCamera(stream, clock);
  camera.send(60);
  const wrong: number[] = [];
  const live = new LiveFlv<BatchFacts>({
    ...{
      protocol: 'flv',
      clock,
      mergeMs: () => 0,
      maxAudioWaitMs: 100,
      budget: new CacheBudget(1e9),
      bytesOf: () => 100,
    },
    serialize: (facts, samples) => {
      for (const sample of samples) {
        const [said, meant] = numbers(sample);
        if (said !== meant) wrong.push(meant);
      }
      return facts;
    },
  });
  let taken = 0;
  const reader = live.open(stream, 'fourcc', {
    ...{ protocol: 'flv', start: 'gop' },
    onReady: () => {
      for (const { samples } of reader.pull()) taken += samples;
    },
  });
  for (const { samples } of reader.pull()) taken += samples;
  camera.send(1500);
  assert.deepEqual(wrong, []);
  assert.ok(taken >= 1500 + 1500 * (10 / 16) - 20, `${taken} samples`);
  assert.ok(camera.chunks.given > 1200, `${camera.chunks.given} were used again`);
  reader.close();
});

test('the time between two sources is no group of pictures', async () => {
  await using bench = await makeBench();
  const { stream, clock } = bench;
  new NumberedCamera(stream, clock).send(141);
  const groupSeconds = stream.meter.gopSeconds;
  assert.ok(groupSeconds !== undefined && groupSeconds < 3, `${groupSeconds} s`);
  clock.advance(800_000);
  new NumberedCamera(stream, clock).send(2);
  assert.equal(stream.meter.gopSeconds, groupSeconds);
});

test('a network that is held up makes no group of pictures longer', async () => {
  await using bench = await makeBench();
  const { stream, clock } = bench;
  const camera = new NumberedCamera(stream, clock);
  camera.send(75);
  clock.advance(7000);
  stream.check(clock.monotonicMs());
  camera.send(75);
  stream.check(clock.monotonicMs());
  assert.ok(stream.meter.longestGopSeconds < 2.1, `${stream.meter.longestGopSeconds} s`);
});

test('another source is shown after all pictures of the one before, in whatever order those came', async () => {
  await using bench = await makeBench();
  const { stream, clock } = bench;
  const reader = stream.openReader({ protocol: 'test', start: 'key' });
  const send = (ptsMs: readonly number[]) => {
    const publisher = stream.publish([{ track: video, format: {} }]);
    for (const [i, ms] of ptsMs.entries()) {
      const unit = {
        dts: i * 40 * 90,
        pts: ms * 90,
        key: i === 0,
        units: [Uint8Array.of(i === 0 ? 0x65 : 0x41, 1, 2)],
      };
      publisher.writeUnit(0, unit);
      publisher.flush();
      clock.advance(10);
    }
    return reader.pull().map(({ pts }) => pts);
  };
  const before = send([80, 240, 160, 120, 200, 400, 320, 280, 360]);
  const after = send([80]);
  assert.ok(after[0]! > Math.max(...before), `${after[0]} after ${before}`);
});

test('whether announced sound comes is noted for the next hub, and forgotten with the stream', async () => {
  const noted: boolean[] = [];
  const silent = { has: () => noted.at(-1) ?? false, note: (_id: string, is: boolean) => void noted.push(is) };
  const send = ({ stream, clock }: Awaited<ReturnType<typeof makeBench>>) => {
    const camera = stream.publish([
      { track: video, format: {} },
      { track: audio, format: {} },
    ]);
    for (const pts of [0, 288_000]) {
      camera.writeUnit(0, { pts, dts: pts, key: true, units: [Uint8Array.of(0x65, 0x9a)] });
      camera.flush();
      clock.advance(3200);
    }
    return stream.sendingTracks.map(({ kind }) => kind);
  };
  await using first = await makeBench(silent);
  assert.deepEqual([send(first), noted], [['video'], [true]]);
  await using second = await makeBench(silent);
  const announced = [video, audio].map((track) => ({ track, format: {} }));
  second.stream.publish(announced).close();
  assert.deepEqual(second.stream.sendingTracks, [video]);
  await second.hub.remove('gate');
  assert.deepEqual(noted, [true, false]);
});
