import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex, readU16 } from '@watchpost/base/bytes.ts';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { TsDemuxer } from '@watchpost/media/container/mpeg-ts/demuxer.ts';
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
  const ask = async (meanwhile: () => void = () => {}, query = '') => {
    const answer = http.app.inject({ url: `/hls/gate/index.m3u8${query}` }).then((response) => response);
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

/** 640x480 at 25 pictures a second. */
const h264: Track = {
  ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, width: 640, height: 480, fps: 25 },
  parameterSets: [fromHex('6742c01ed900a03db011000003000100000300320f162e48'), fromHex('68cb83cb20')],
};

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

/** A camera that sends `pictures` of H.264, each 40 ms, a key picture each second. */
async function watchH264(options: { readonly other?: Track } = {}) {
  const parts = await setUp({ ...h264 });
  const { stream, clock } = parts;
  let publisher = stream.publish([{ track: { ...h264 }, format: {} }]);
  let count = 0;
  const show = (pictures: number) => {
    for (let i = 0; i < pictures; i++, count++) {
      const key = count % 25 === 0;
      const units = [Uint8Array.from({ length: 300 }, (_, at) => (at === 0 ? (key ? 0x65 : 0x41) : 7))];
      publisher.writeUnit(0, { pts: count * 3600, dts: count * 3600, key, units });
      publisher.flush();
      clock.advance(40);
    }
  };
  const renew = () => {
    publisher = stream.publish([
      { track: { ...h264 }, format: {} },
      ...(options.other ? [{ track: options.other, format: {} }] : []),
    ]);
    count = 0;
  };
  return { ...parts, show, renew };
}

test('H.264 comes as MPEG-TS: each segment begins with tables and a key picture, no picture is missing', async () => {
  const { http, ask, show, end } = await watchH264();
  show(30);
  await ask(() => show(2));
  show(300);
  const { body } = await ask(() => {}, '?token=a%2Bb');
  const names = [...body.matchAll(/^(segment_\d+\.ts)\?token=a%2Bb$/gm)].map((match) => match[1]!);
  assert.equal(names.length, 5, body);
  assert.doesNotMatch(body, /EXT-X-MAP|DISCONTINUITY\n|left out/);
  const times: number[] = [];
  const demuxer = new TsDemuxer({ track: () => {}, unit: (_track, unit) => void times.push(unit.dts) });
  for (const name of names) {
    const answer = await http.app.inject({ url: `/hls/gate/${name}` });
    assert.equal(answer.headers['content-type'], 'video/mp2t');
    const bytes = answer.rawPayload;
    assert.equal(bytes.length % 188, 0);
    // PAT, PMT, then the picture: PIDs of the first three packets.
    const pids = [0, 188, 376].map((at) => readU16(bytes, at + 1) & 0x1fff);
    assert.deepEqual(pids, [0, 0x1000, 0x100]);
    assert.equal(bytes[376 + 5]! & 0x40, 0x40, 'random access');
    demuxer.push(bytes);
  }
  demuxer.flush();
  assert.deepEqual(demuxer.counts, { skippedBytes: 0, lostPackets: 0, unusablePackets: 0, malformed: 0 });
  assert.equal(times.length, 250);
  for (let i = 1; i < times.length; i++) assert.equal(times[i]! - times[i - 1]!, 3600);
  await end();
});

test('?container= forces, each with its own muxer; what TS leaves out is told; numbers are never used twice', async () => {
  const { ask, show, renew, hls, end } = await watchH264({ other: { ...alaw, id: 1 } });
  show(60);
  const ts = await ask(() => show(2), '?container=ts');
  const fmp4 = await ask(() => show(2), '?container=fmp4');
  assert.match(ts.body, /segment_\d+\.ts\n/);
  assert.match(fmp4.body, /EXT-X-MAP[\s\S]*segment_\d+\.m4s\n/);
  assert.ok(sequenceOf(fmp4.body) >= sequenceOf(ts.body) + ts.body.match(/EXTINF/g)!.length, fmp4.body);
  assert.equal(hls.stats()['streams_muxed'], 2);
  assert.equal((await ask(() => {}, '?container=webm')).statusCode, 400);
  renew();
  show(80);
  const forced = await ask(() => {}, '?container=ts');
  assert.match(forced.body, /\n# pcma is left out: .*MPEG-TS.*\n/);
  assert.match(forced.body, /EXT-X-DISCONTINUITY\n/);
  assert.match((await ask()).body, /\.m4s\n/, 'with G.711 the fitting container is fMP4');
  await end();
});

test('the newest init segment has a name of its own; segments of the other container are not mixed up', async () => {
  const { http, ask, show, end } = await watchH264();
  show(60);
  const { body } = await ask(() => show(2), '?container=fmp4');
  const number = sequenceOf(body);
  const newest = await http.app.inject({ url: '/hls/gate/init.mp4' });
  assert.deepEqual([newest.statusCode, newest.headers['cache-control']], [200, 'no-cache']);
  const version = await http.app.inject({ url: `/hls/gate/init_${number}.mp4` });
  assert.deepEqual(newest.rawPayload, version.rawPayload);
  for (const name of [`segment_${number}.ts`, `segment_${number}.mp4`, `init_${number}.m4s`, 'init.ts']) {
    assert.equal((await http.app.inject({ url: `/hls/gate/${name}` })).statusCode, 404, name);
  }
  assert.equal((await http.app.inject({ method: 'HEAD', url: `/hls/gate/segment_${number}.m4s` })).statusCode, 200);
  await end();
});
