import assert from 'node:assert/strict';
import test from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { TsDemuxer } from '@watchpost/media/container/mpeg-ts/demuxer.ts';
import { type CheckedPlaylist, checkPlaylist } from './check-playlist.ts';
import { h264, watchH264 } from './test-bench.ts';

const section = { low_latency: true, playlist_length: 12 };
type Bench = Awaited<ReturnType<typeof watchH264>>;

async function playlistOf({ ask }: Bench, query = '', meanwhile?: () => void): Promise<CheckedPlaylist> {
  const answer = await ask(meanwhile, query);
  assert.equal(answer.statusCode, 200, answer.body);
  return checkPlaylist(answer.body);
}

for (const container of ['ts', 'fmp4'] as const) {
  test(`${container}: each playlist of half a minute keeps the rules, and each part is there as soon as it is told`, async () => {
    const bench = await watchH264({ section, gop: 50 });
    bench.show(60);
    let before = await playlistOf(bench, `?container=${container}`, () => bench.show(2));
    const parts = new Map<string, Uint8Array>();
    for (let i = 0; i < 90; i++) {
      bench.show(9);
      const now = await playlistOf(bench, `?container=${container}`);
      assert.ok(now.mediaSequence >= before.mediaSequence && now.discontinuitySequence >= before.discontinuitySequence);
      assert.ok(now.partTarget === before.partTarget && now.targetDuration === before.targetDuration);
      for (const { uri, independent } of now.parts) {
        if (parts.has(uri)) continue;
        const answer = await bench.http.app.inject({ url: `/hls/gate/${uri}` });
        assert.equal(answer.statusCode, 200, uri);
        assert.equal(answer.headers['cache-control'], 'private, max-age=3600, immutable');
        if (container === 'ts' && independent) assert.equal(answer.rawPayload[188 * 2 + 5]! & 0x40, 0x40);
        parts.set(uri, answer.rawPayload);
      }
      assert.ok(now.parts.some(({ uri }) => uri === before.hint) || now.hint === before.hint, 'the hint came true');
      before = now;
    }
    // A segment is its parts, byte for byte.
    const whole = before.segments.filter((segment) => segment.parts.length > 0);
    assert.ok(whole.length >= 2, `${whole.length} segments with parts`);
    for (const segment of whole) {
      const { rawPayload } = await bench.http.app.inject({ url: `/hls/gate/${segment.uri}` });
      assert.deepEqual(rawPayload, Buffer.concat(segment.parts.map(({ uri }) => parts.get(uri)!)));
    }
    await bench.end();
  });
}

test('parts of MPEG-TS put together are the stream: no picture is missing, no counter jumps', async () => {
  const bench = await watchH264({ section, gop: 30 });
  bench.show(40);
  await playlistOf(bench, '', () => bench.show(2));
  bench.show(100);
  const seen = new Set<string>();
  const times: number[] = [];
  const demuxer = new TsDemuxer({ track: () => {}, unit: (_track, unit) => void times.push(unit.dts) });
  for (let i = 0; i < 20; i++) {
    bench.show(10);
    for (const { uri } of (await playlistOf(bench)).parts) {
      if (seen.has(uri)) continue;
      seen.add(uri);
      demuxer.push((await bench.http.app.inject({ url: `/hls/gate/${uri}` })).rawPayload);
    }
  }
  demuxer.flush();
  assert.deepEqual(demuxer.counts, { skippedBytes: 0, lostPackets: 0, unusablePackets: 0, malformed: 0 });
  assert.ok(times.length > 200);
  for (let i = 1; i < times.length; i++) assert.equal(times[i]! - times[i - 1]!, 3600);
  await bench.end();
});

test('a blocking reload is answered with the part it waits for, and not before', async () => {
  const bench = await watchH264({ section, gop: 50 });
  bench.show(70);
  const start = await playlistOf(bench, '', () => bench.show(2));
  const next = start.mediaSequence + start.segments.length;
  for (const [part, query] of [
    [1, `?_HLS_msn=${next}&_HLS_part=1`],
    [3, `?_HLS_msn=${next}&_HLS_part=3`],
  ] as const) {
    let pictures = 0;
    const got = await playlistOf(bench, query, () => {
      bench.show(1);
      pictures++;
    });
    const count = got.segments.length + got.mediaSequence > next ? 99 : got.open.length;
    assert.ok(count > part, `${count} parts`);
    assert.ok(pictures > 0);
  }
  const whole = await playlistOf(bench, `?_HLS_msn=${next}`, () => bench.show(4));
  assert.ok(whole.mediaSequence + whole.segments.length > next);
  const at = whole.segments.at(-1)!;
  const beyond = await playlistOf(bench, `?_HLS_msn=${next}&_HLS_part=${at.parts.length}`, () => bench.show(1));
  assert.ok(beyond.open.length > 0, 'a part that its segment never had is the first of the next');
  await bench.end();
});

test('what makes no sense is refused, what never comes is told in time', async () => {
  const bench = await watchH264({ section, gop: 50 });
  bench.show(70);
  const { mediaSequence, segments } = await playlistOf(bench, '', () => bench.show(2));
  const last = mediaSequence + segments.length - 1;
  for (const query of ['?_HLS_part=1', '?_HLS_msn=x', `?_HLS_msn=${last + 3}`, `?_HLS_msn=${last + 1}&_HLS_part=-1`]) {
    assert.equal((await bench.ask(() => {}, query)).statusCode, 400, query);
  }
  const never = await bench.ask(() => bench.clock.advance(500), `?_HLS_msn=${last + 2}`);
  assert.equal(never.statusCode, 503);
  assert.equal(never.headers['retry-after'], '2');
  const part = await bench.http.app.inject({ url: '/hls/gate/part_1.ts' });
  assert.equal(part.statusCode, 404);
  await bench.end();
});

test('a player that has the rest gets what is new: skipped segments and those that follow are the whole playlist', async () => {
  const bench = await watchH264({ section: { ...section, playlist_length: 20 }, gop: 25 });
  bench.show(60);
  await playlistOf(bench, '', () => bench.show(2));
  const early = await playlistOf(bench, '?_HLS_skip=YES');
  assert.equal(early.skipped, 0, 'a short playlist is sent whole');
  bench.show(1000);
  const whole = await playlistOf(bench);
  const delta = await playlistOf(bench, '?_HLS_skip=YES');
  assert.ok(delta.skipped > 5, `${delta.skipped} skipped`);
  assert.equal(delta.mediaSequence, whole.mediaSequence);
  assert.deepEqual(delta.segments, whole.segments.slice(delta.skipped));
  assert.deepEqual((await playlistOf(bench, '?_HLS_skip=v2')).skipped, delta.skipped);
  await bench.end();
});

test('the first segment has parts although it comes from a cache: without them hls.js waits for a whole one more', async () => {
  for (const container of ['ts', 'fmp4']) {
    const bench = await watchH264({ section, gop: 50 });
    bench.show(98);
    const { segments } = await playlistOf(bench, `?container=${container}`, () => bench.show(2));
    assert.ok(segments[0]!.parts.length > 3, `${container}: ${segments[0]!.parts.length} parts`);
    await bench.end();
  }
});

test('a new session shows before its first segment is whole', async () => {
  const bench = await watchH264({ section, gop: 50 });
  bench.show(70);
  await playlistOf(bench, '?container=fmp4', () => bench.show(2));
  bench.renew();
  bench.show(20);
  const { text } = await playlistOf(bench, '?container=fmp4');
  assert.match(text, /#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:[^\n]*\n#EXT-X-PART:[^\n]*INDEPENDENT=YES\n/);
  await bench.end();
});

/** A camera with a second quality: both show so many pictures. */
async function withTwoQualities(gop: number) {
  const bench = await watchH264({ section: { ...section, enable_adaptive: true }, gop });
  const { hub, stream, http } = bench;
  const sub = await hub.define({ ...stream.definition, id: 'gate.sub' });
  const publisher = sub.publish([{ track: { ...h264, width: 320, height: 240 }, format: {} }]);
  let count = 0;
  const show = (pictures: number) => {
    for (let i = 0; i < pictures; i++, count++) {
      const key = count % gop === 0;
      const units = [Uint8Array.of(key ? 0x65 : 0x41, 7)];
      publisher.writeUnit(0, { pts: count * 3600, dts: count * 3600, key, units });
      publisher.flush();
      bench.show(1);
    }
  };
  const askFor = async (path: string, meanwhile = () => {}) => {
    const answer = http.app.inject({ url: `/hls/gate/${path}` }).then((response) => response);
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      meanwhile();
    }
    return answer;
  };
  return { ...bench, show, askFor };
}

test('a camera with two qualities has a playlist of both under its own name, signed alike, each reporting the other', async () => {
  const bench = await withTwoQualities(25);
  const { show, askFor } = bench;
  show(80);
  const { body } = await bench.ask(() => {}, '?token=a%2Bb');
  assert.match(
    body,
    /#EXT-X-STREAM-INF:BANDWIDTH=\d+,CODECS="avc1.42C01E",RESOLUTION=640x480[^\n]*\nmain\/index.m3u8\?container=ts&token=a%2Bb\n/,
  );
  assert.match(
    body,
    /#EXT-X-STREAM-INF:BANDWIDTH=\d+,CODECS="avc1.42C01E",RESOLUTION=320x240[^\n]*\nsub\/index.m3u8\?container=ts&token=a%2Bb\n/,
  );
  await askFor('sub/index.m3u8?container=ts&token=t', () => show(2));
  show(30);
  const fromSub = await askFor('sub/index.m3u8?container=ts&token=t');
  const checked = checkPlaylist(fromSub.body);
  assert.match(
    fromSub.body,
    /#EXT-X-RENDITION-REPORT:URI="\.\.\/main\/index\.m3u8\?container=ts&token=t",LAST-MSN=\d+,LAST-PART=\d+\n/,
  );
  assert.equal((await askFor(`sub/${checked.segments[0]!.uri}`)).statusCode, 200);
  assert.equal((await askFor('third/index.m3u8')).statusCode, 404);
  await bench.end();
});

test('a second quality that is pulled on demand stands in the list of the player that woke it', async () => {
  const bench = await watchH264({ section: { ...section, enable_adaptive: true }, gop: 25 });
  const { hub, stream } = bench;
  bench.show(2);
  const sub = await hub.define({ ...stream.definition, id: 'gate.sub' });
  // It has said what it sends; its first picture is on the way.
  sub.publish([{ track: { ...h264, width: 320, height: 240 }, format: {} }]);
  sub.setState('connecting');
  assert.match((await bench.ask()).body, /RESOLUTION=320x240/);
  sub.setState('connecting', new WatchpostError('gone', { kind: 'unavailable', code: 'SOURCE_ENDED' }));
  assert.doesNotMatch((await bench.ask()).body, /RESOLUTION=320x240/);
  await bench.end();
});

test('a camera with one quality has no playlist of both', async () => {
  const bench = await watchH264({ section: { ...section, enable_adaptive: true }, gop: 25 });
  assert.match((await bench.ask(() => bench.show(2))).body, /EXTINF/);
  await bench.end();
});

for (const { seconds } of [{ seconds: 0 }, { seconds: 60 }]) {
  test(`a player that changes to the other quality after ${seconds} s finds the time it is at`, async () => {
    const bench = await withTwoQualities(50);
    const { show, askFor } = bench;
    show(70);
    await askFor('sub/index.m3u8?container=ts', () => show(2));
    for (let i = 0; i < seconds; i++) {
      show(25);
      await askFor('sub/index.m3u8?container=ts');
    }
    // Between the two questions both caches begin again with a key picture.
    show(38);
    const sub = await askFor('sub/index.m3u8?container=ts');
    show(4);
    const main = await askFor('main/index.m3u8?container=ts', () => show(2));
    const lateMs = beganMs(main.body) - endMs(sub.body);
    assert.ok(lateMs <= 0, `${lateMs} ms too late`);
    await bench.end();
  });
}

/** Capture time of a playlist's first picture. */
function beganMs(playlist: string): number {
  return Date.parse(/#EXT-X-PROGRAM-DATE-TIME:(.*)/.exec(playlist)![1]!);
}

/** … and of its end. */
function endMs(playlist: string): number {
  const { segments, open } = checkPlaylist(playlist);
  return beganMs(playlist) + [...segments, ...open].reduce((sum, { duration }) => sum + duration, 0) * 1000;
}
