import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { Track } from '@watchpost/media/types.ts';
import { StreamHub } from '../stream-hub.ts';
import { LiveFmp4 } from './live-muxer.ts';

const alaw: Track = {
  id: 0,
  kind: 'audio',
  codec: 'pcma',
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  parameterSets: [],
};

async function setUp(track: Track) {
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
  const publisher = stream.publish([{ track, format: {} }]);
  let ticks = 0;
  const play = () => {
    publisher.writeUnit(0, { pts: ticks, dts: ticks, key: true, units: [new Uint8Array(160)] });
    publisher.flush();
    ticks += 160;
    clock.advance(20);
  };
  return { clock, hub, stream, live: new LiveFmp4({ clock, budget: hub.budget }), play };
}

test('all readers get the same chunk objects, and the muxer ends with the last one', async () => {
  const { hub, stream, live, play } = await setUp(alaw);
  play();
  const readers = [0, 1, 2].map(() => live.open(stream, { protocol: 'test', start: 'gop' }));
  assert.deepEqual([live.active, stream.readers.length], [1, 3]);
  play();
  const [first, second, third] = readers.map((reader) => reader.pull());
  assert.equal(first!.length, 2);
  for (const [i, chunk] of first!.entries()) assert.ok(chunk === second![i] && chunk === third![i]);
  readers[0]!.close();
  readers[1]!.close();
  assert.equal(live.active, 1);
  readers[2]!.close();
  assert.deepEqual([live.active, stream.readers.length], [0, 0]);
  await hub[Symbol.asyncDispose]();
  assert.equal(hub.budget.usedBytes, 0);
});

test('readers hear that the stream was removed', async () => {
  const { hub, stream, live, play } = await setUp(alaw);
  play();
  let reason: WatchpostError | undefined;
  live.open(stream, {
    ...{ protocol: 'test', start: 'gop' },
    onClose: (why) => {
      reason = why;
    },
  });
  await hub.remove('gate');
  assert.equal(reason?.code, 'STREAM_REMOVED');
  assert.equal(live.active, 0);
  await hub[Symbol.asyncDispose]();
});

test('codec data that MP4 cannot hold end the output with a reason, and the stream goes on', async () => {
  const broken: Track = { ...alaw, codec: 'aac', parameterSets: [Uint8Array.of(0x15)] };
  const { hub, stream, live, play } = await setUp(broken);
  play();
  const reasons: string[] = [];
  for (let i = 0; i < 2; i++) {
    live.open(stream, { protocol: 'test', start: 'gop', onClose: (why) => reasons.push(why.kind) });
    await Promise.resolve();
  }
  assert.deepEqual(reasons, ['malformed', 'malformed']);
  assert.equal(live.active, 0);
  play();
  assert.equal(stream.meter.frames, 2);
  await hub[Symbol.asyncDispose]();
});
