import assert from 'node:assert/strict';
import test from 'node:test';
import { readU16 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { TsDemuxer } from '@watchpost/media/container/mpeg-ts/demuxer.ts';
import { alaw, setUp, watchH264 } from './test-bench.ts';

const sequenceOf = (text: string) => Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1]);

test('muxing begins with the first request, ends 45 s after the last, and numbers never come again', async () => {
  const { clock, live, hls, play, ask, end } = await setUp();
  play(1000);
  assert.equal(live.active, 0);
  const first = await ask(() => play(200));
  assert.equal(first.statusCode, 200, first.body);
  const began = sequenceOf(first.body);
  const discontinuity = Number(/#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)/.exec(first.body)?.[1]);
  assert.ok(discontinuity < 300_000, 'hls.js takes time in proportion to it');
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

test('a server that begins again a quarter of an hour later counts discontinuities on', async () => {
  const count = async (afterMs: number) => {
    const { clock, play, ask, end } = await setUp();
    clock.advance(afterMs);
    play(1000);
    const { body } = await ask(() => play(200));
    await end();
    return Number(/#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)/.exec(body)?.[1]);
  };
  assert.ok((await count(15 * 60_000)) > (await count(0)));
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

test('keys that change begin the playlist anew for its players, whose numbers go on; a reading without a change does not', async () => {
  const { hls, play, ask, end, configure } = await setUp(alaw, { segment_duration: 2 });
  await ask(() => play(200));
  play(12_000);
  const before = await ask();
  const highest = Math.max(...[...before.body.matchAll(/segment_(\d+)/g)].map((match) => Number(match[1])));
  configure({ segment_duration: 2, playlist_length: 5 });
  assert.equal(sequenceOf((await ask()).body), sequenceOf(before.body));
  configure({ segment_duration: 4, playlist_length: 3 });
  const after = await ask(() => play(400));
  assert.equal(after.statusCode, 200);
  assert.match(after.body, /TARGETDURATION:4/);
  assert.ok(sequenceOf(after.body) > highest);
  assert.equal(hls.stats()['streams_muxed'], 1);
  await end();
});

test('a camera that is offline is 503 with its reason at once; one that HLS cannot carry is 422', async () => {
  const { stream, ask, end } = await setUp();
  stream.setState(
    'offline',
    new WatchpostError('The camera refused the password', { kind: 'unauthenticated', code: 'X' }),
  );
  const answer = await ask();
  assert.equal(answer.statusCode, 503);
  assert.match(answer.body, /The camera refused the password/);
  assert.equal(answer.headers['retry-after'], '5');
  await end();
  const g726 = await setUp({ ...alaw, codec: 'g726' });
  assert.equal((await g726.ask()).statusCode, 422);
  await g726.end();
});

test('a camera that goes away leaves its segments to those who watch', async () => {
  const { stream, play, ask, end } = await setUp();
  await ask(() => play(200));
  play(10_000);
  const before = await ask();
  stream.setState('offline', new WatchpostError('It went away', { kind: 'unavailable', code: 'X' }));
  const after = await ask();
  assert.deepEqual([after.statusCode, after.body], [200, before.body]);
  await end();
});

test('a player that waits for a camera hears at once that it is not there', async () => {
  const { stream, clock, ask, end } = await setUp();
  let rounds = 0;
  const answer = await ask(() => {
    if (++rounds === 5) stream.setState('offline', new WatchpostError('No route', { kind: 'unavailable', code: 'X' }));
    clock.advance(100);
  });
  assert.equal(answer.statusCode, 503);
  assert.match(answer.body, /No route/);
  await end();
});

test('a playlist is three target durations long, however short its segments are', async () => {
  const { ask, show, end } = await watchH264({ gop: 38, section: { playlist_length: 3 } });
  show(60);
  await ask(() => show(2));
  show(1000);
  const { body } = await ask();
  assert.match(body, /TARGETDURATION:2/);
  assert.deepEqual(body.match(/EXTINF:[\d.]+/g), Array(4).fill('EXTINF:1.520'), body);
  await end();
});

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

test('VLC 3 gets the init segment behind a gap once more, in front of the segment there', async () => {
  const { http, show, renew, ask, end } = await watchH264({ section: { segment_duration: 1 } });
  await ask(() => show(5), '?container=fmp4');
  show(50);
  renew();
  show(100);
  const playlist = async (userAgent: string) =>
    (await http.app.inject({ url: '/hls/gate/index.m3u8?container=fmp4', headers: { 'user-agent': userAgent } })).body;
  const behindGap = /#EXT-X-DISCONTINUITY\n(?:#.*\n)*(\w+_(\d+)\.m4s)\n/;
  const [, plain, number] = behindGap.exec(await playlist('Mozilla/5.0')) ?? [];
  const [, whole] = behindGap.exec(await playlist('VLC/3.0.24 LibVLC/3.0.24')) ?? [];
  assert.deepEqual([plain, whole], [`segment_${number}.m4s`, `whole_${number}.m4s`]);
  assert.equal((await playlist('VLC/3.0.24 LibVLC/3.0.24')).match(/whole_/g)?.length, 1);
  const bytes = async (file: string) => (await http.app.inject({ url: `/hls/gate/${file}` })).rawPayload;
  assert.deepEqual(await bytes(whole!), Buffer.concat([await bytes('init.mp4'), await bytes(plain!)]));
  await end();
});
