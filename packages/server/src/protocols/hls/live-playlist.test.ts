import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { Track } from '@watchpost/media/types.ts';
import { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import { StreamHub } from '../../hub/stream-hub.ts';
import { createHttpServer } from '../../net/http-server.ts';
import { createHlsProtocol } from './protocol.ts';

const alaw: Track = {
  id: 0,
  kind: 'audio',
  codec: 'pcma',
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  parameterSets: [],
};

async function setUp(track = alaw) {
  const clock = new ManualClock(Date.UTC(2026, 1, 11));
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
  const play = (ms: number) => {
    for (const untilMs = clock.monotonicMs() + ms; clock.monotonicMs() < untilMs; clock.advance(20)) {
      publisher.writeUnit(0, { pts: ticks, dts: ticks, key: true, units: [new Uint8Array(160)] });
      publisher.flush();
      ticks += 160;
    }
  };
  const http = createHttpServer({ logger: silentLogger });
  const live = new LiveFmp4({ clock });
  const hls = createHlsProtocol({ live });
  const { signal } = new AbortController();
  const dial = () => Promise.reject(new Error('no'));
  const access = { authorize: async () => {} };
  const listener = await hls.listen!(hub, { clock, logger: silentLogger, signal, dial, section: {}, http, access });
  /** Asks for the playlist while `meanwhile` runs the clock. */
  const ask = async (meanwhile: () => void = () => {}) => {
    const answer = http.app.inject({ url: '/hls/gate/index.m3u8' }).then((response) => response);
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      meanwhile();
    }
    return answer;
  };
  const end = async () => {
    await listener[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
    await http.close();
  };
  return { clock, stream, live, hls, http, play, ask, end };
}

const sequenceOf = (text: string) => Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1]);

test('muxing begins with the first request, ends 45 s after the last, and numbers never come again', async () => {
  const { clock, live, hls, play, ask, end } = await setUp();
  play(1000);
  assert.equal(live.active, 0);
  const first = await ask(() => play(200));
  assert.equal(first.statusCode, 200, first.body);
  const began = sequenceOf(first.body);
  assert.equal(began, (Date.UTC(2026, 1, 11) + 1000 - Date.UTC(2024, 0, 1)) / 500);
  play(20_000);
  const later = await ask();
  const numbers = [...later.body.matchAll(/segment_(\d+)\.m4s/g)].map((match) => Number(match[1]));
  assert.equal(numbers.length, 5);
  assert.equal(hls.stats()['streams_muxed'], 1);
  clock.advance(46_000);
  assert.deepEqual([hls.stats()['streams_muxed'], live.active], [0, 0]);
  // Somebody sets the clock back: numbers go on all the same.
  clock.stepWall(-3600_000);
  const again = await ask(() => play(200));
  assert.ok(sequenceOf(again.body) > numbers.at(-1)!, again.body);
  await end();
});

test('segments stay for a while after they left the playlist, then are gone', async () => {
  const { http, play, ask, end } = await setUp();
  const first = sequenceOf((await ask(() => play(200))).body);
  const status = async () => (await http.app.inject({ url: `/hls/gate/segment_${first}.m4s` })).statusCode;
  play(14_000);
  assert.equal(await status(), 200);
  play(14_000);
  assert.equal(await status(), 404);
  await end();
});

test('a camera that is offline is 503 with its reason; one that HLS cannot carry is 422', async () => {
  const { clock, stream, ask, end } = await setUp();
  stream.setState(
    'offline',
    new WatchpostError('The camera refused the password', { kind: 'unauthenticated', code: 'X' }),
  );
  const answer = await ask(() => clock.advance(1000));
  assert.equal(answer.statusCode, 503);
  assert.match(answer.body, /The camera refused the password/);
  assert.equal(answer.headers['retry-after'], '2');
  await end();
  const g726 = await setUp({ ...alaw, codec: 'g726' });
  assert.equal((await g726.ask()).statusCode, 422);
  await g726.end();
});
