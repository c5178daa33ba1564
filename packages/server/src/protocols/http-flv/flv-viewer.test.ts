import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import test from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { FlvDemuxer } from '@watchpost/media/container/flv/demuxer.ts';
import type { Track } from '@watchpost/media/types.ts';
import { BatchVoices } from '../../hub/live-flv/batch-voices.ts';
import { LiveViewer, noViewers } from '../../hub/live-viewer.ts';
import { StreamHub } from '../../hub/stream-hub.ts';
import { TestGrant } from '../../hub/test-grant.ts';
import { socketAnswer } from '../../net/media-answer.ts';
import { type FlvBatch, openLiveFlv } from './flv-batch.ts';
import { FlvFace } from './flv-face.ts';
import { flvType, httpTransport } from './transport.ts';

const alaw: Track = {
  ...{ id: 0, kind: 'audio', codec: 'pcma', clockRate: 8000, sampleRate: 8000, channels: 1 },
  parameterSets: [],
};

/** A socket whose other end takes what the test says. */
class FakeSocket extends EventEmitter {
  writableNeedDrain = false;
  destroyed = false;
  text = '';
  ended = '';
  writes: Uint8Array[] = [];
  cork(): void {}
  uncork(): void {}
  write(bytes: Uint8Array | string): boolean {
    if (typeof bytes === 'string') this.text += bytes;
    else this.writes.push(bytes);
    return !this.writableNeedDrain;
  }
  end(text?: string): void {
    this.ended = text ?? 'ended';
  }
  setTimeout(): void {}
  destroy(): void {
    this.ended = 'cut';
  }
}

async function setUp(options: { mergeMs?: number; empty?: boolean } = {}) {
  const { empty = false } = options;
  let { mergeMs = 0 } = options;
  const clock = new ManualClock();
  const hub = new StreamHub({
    ...{ clock, logger: silentLogger, reconnectDelayMs: 1000 },
    protocolFor: () => undefined,
    pull: async () => {},
  });
  const stream = await hub.define({
    ...{ id: 'gate', title: '', protocol: 'test', sources: [], record: false, onDemand: false, stopped: false },
    origin: 'api',
  });
  let publisher = stream.publish([{ track: alaw, format: {} }]);
  let ticks = 0;
  const play = (packets: number) => {
    for (let i = 0; i < packets; i++) {
      publisher.writeUnit(0, { pts: ticks, dts: ticks, key: true, units: [new Uint8Array(160)] });
      publisher.flush();
      ticks += 160;
      clock.advance(20);
    }
  };
  const reconnect = () => {
    publisher = stream.publish([{ track: { ...alaw }, format: {} }]);
    ticks = 0;
  };
  const live = openLiveFlv({ clock, mergeMs: () => mergeMs, budget: hub.budget });
  const counts = noViewers();
  const voices = new BatchVoices<FlvBatch>(
    (batch) => batch.tags,
    (bytes) => {
      counts.bytes += bytes;
    },
  );
  const grant = new TestGrant();
  const open = () => {
    const socket = new FakeSocket();
    const answer = socketAnswer(socket as unknown as Socket, flvType);
    const viewer = new LiveViewer(new FlvFace(httpTransport(answer), voices), {
      ...{ stream, grant, clock, counts, protocol: 'flv', firstWithinMs: 15_000 },
      open: (readerOptions) => live.open(stream, 'fourcc', readerOptions),
      onEnd: () => {},
    });
    return { socket, viewer };
  };
  if (!empty) play(1);
  const merge = (ms: number) => {
    mergeMs = ms;
  };
  return { clock, hub, live, counts, grant, open, play, reconnect, merge };
}

/** Times of the sound frames that a viewer got. */
function timesOf(socket: FakeSocket): number[] {
  const times: number[] = [];
  const demuxer = new FlvDemuxer({ track: () => {}, unit: (_track, unit) => void times.push(unit.dts / 8) });
  for (const bytes of socket.writes) demuxer.push(bytes);
  assert.equal(demuxer.malformed, 0);
  return times;
}

test('a new viewer gets answer, headers and what is cached at once, then each frame as it comes', async () => {
  const { hub, open, play } = await setUp();
  const { socket } = open();
  assert.match(socket.text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*video\/x-flv[\s\S]*\r\n\r\n$/);
  assert.equal(socket.writes.length, 2, 'headers, one frame');
  play(10);
  assert.equal(socket.writes.length, 12);
  assert.deepEqual(
    timesOf(socket),
    Array.from({ length: 11 }, (_, i) => i * 20),
  );
  await hub[Symbol.asyncDispose]();
});

test('two viewers get the very same bytes', async () => {
  const { hub, open, play } = await setUp();
  const [first, second] = [open(), open()];
  play(1);
  assert.equal(first.socket.writes.at(-1), second.socket.writes.at(-1));
  await hub[Symbol.asyncDispose]();
});

test('merged writes come once for each interval and lose nothing', async () => {
  const { hub, open, play, merge } = await setUp();
  const { socket } = open();
  play(50);
  // The configuration is read again under the viewer.
  merge(200);
  const before = socket.writes.length;
  play(101);
  assert.ok(socket.writes.length - before <= 10, `${socket.writes.length - before} writes in two seconds`);
  const times = timesOf(socket);
  assert.ok(times.length >= 90, `${times.length} frames`);
  for (let i = 1; i < times.length; i++) assert.equal(times[i]! - times[i - 1]!, 20);
  await hub[Symbol.asyncDispose]();
});

test('nothing is pulled while the socket is full; a viewer that fell behind skips', async () => {
  const { hub, counts, open, play } = await setUp();
  const { socket } = open();
  socket.writableNeedDrain = true;
  play(1);
  const before = socket.writes.length;
  play(700);
  assert.equal(socket.writes.length, before, 'not one more while it is full');
  socket.writableNeedDrain = false;
  socket.emit('drain');
  const shown = socket.writes.length - before;
  assert.equal(shown + counts.droppedSamples, 700);
  assert.ok(shown <= 520, `${shown} frames are more than ten seconds`);
  await hub[Symbol.asyncDispose]();
});

test('a viewer that takes nothing for thirty seconds is cut, and the muxer ends with it', async () => {
  const { hub, live, counts, open, play } = await setUp();
  const { socket } = open();
  socket.writableNeedDrain = true;
  play(1400);
  assert.equal(socket.ended, '');
  play(200);
  assert.equal(socket.ended, 'cut');
  assert.deepEqual([counts.stuck, counts.viewers, live.active], [1, 0, 0]);
  await hub[Symbol.asyncDispose]();
});

test('a new session of the camera brings headers again, and time goes on', async () => {
  const { hub, open, play, reconnect } = await setUp();
  const { socket } = open();
  play(5);
  reconnect();
  play(5);
  const scripts: number[] = [];
  const demuxer = new FlvDemuxer({ track: () => {}, unit: () => {}, script: () => void scripts.push(1) });
  for (const bytes of socket.writes) demuxer.push(bytes);
  assert.equal(scripts.length, 2);
  const times = timesOf(socket);
  assert.equal(times.length, 11);
  for (let i = 1; i < times.length; i++) assert.ok(times[i]! > times[i - 1]!, `${times}`);
  await hub[Symbol.asyncDispose]();
});

test('a stream without a picture for fifteen seconds is told as a problem; one that is removed ends the answer', async () => {
  const { clock, hub, live, counts, open, play } = await setUp({ empty: true });
  const waiting = open();
  clock.advance(15_000);
  assert.match(waiting.socket.ended, /^HTTP\/1\.1 503 [\s\S]*STREAM_NO_PICTURE/);
  assert.deepEqual([waiting.socket.text, counts.viewers, live.active], ['', 0, 0]);
  play(1);
  const watching = open();
  await hub.remove('gate');
  assert.equal(watching.socket.ended, 'ended');
  assert.deepEqual([counts.viewers, live.active], [0, 0]);
  await hub[Symbol.asyncDispose]();
});

test('a viewer whose right is withdrawn: the file ends, or says why where it has not begun', async () => {
  for (const empty of [false, true]) {
    const { hub, counts, grant, open } = await setUp({ empty });
    const { socket } = open();
    grant.withdraw();
    if (empty) assert.match(socket.ended, /^HTTP\/1\.1 401 [\s\S]*ACCESS_REVOKED/);
    else assert.equal(socket.ended, 'ended');
    assert.deepEqual([grant.watched, counts.viewers], [0, 0]);
    await hub[Symbol.asyncDispose]();
  }
});
