import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { readBoxes } from '@watchpost/media/container/fmp4/boxes.ts';
import { readSamples, scanFragments } from '@watchpost/media/container/fmp4/demuxer.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { lastingGrant } from '../hub/grant.ts';
import type { AccessRequest } from '../hub/types.ts';
import { createHttpServer } from '../net/http-server.ts';
import { MemoryRecordings } from './memory-recordings.ts';
import { createPlayback, type Playback } from './playback.ts';
import { registerPlaybackRoutes } from './routes.ts';

const nowMs = 1_760_000_000_000;
const startMs = nowMs - 3600_000;
const sound: Track = {
  id: 0,
  kind: 'audio',
  codec: 'aac',
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  parameterSets: [Uint8Array.of(0x15, 0x88)],
};
const alaw: Track = {
  id: 0,
  kind: 'audio',
  codec: 'pcma',
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  parameterSets: [],
};

/** A second is one "key" group in the eyes of `MemoryRecordings`, which cuts at video: so mark sound as if it were. */
function second(track: Track, index: number): Sample[] {
  return Array.from({ length: 50 }, (_, i) => {
    const dts = index * 8000 + i * 160;
    const units = [Uint8Array.from({ length: 160 }, (_unused, k) => (index + i + k) & 255)];
    return { track, dts, pts: dts, key: true, units, byteLength: 160, wallMs: 0, lost: 0 };
  });
}

function seconds(track: Track, from: number, to: number): Sample[] {
  return Array.from({ length: to - from }, (_, i) => second(track, from + i)).flat();
}

interface Fixture {
  readonly recordings: MemoryRecordings;
  readonly clock: ManualClock;
  readonly playback: ReturnType<typeof createPlayback>;
}

function fixture(): Fixture {
  const recordings = new MemoryRecordings();
  const clock = new ManualClock(nowMs);
  const playback = createPlayback({ recordings, backends: new Map([['memory', recordings.backend]]), clock });
  return { recordings, clock, playback };
}

/** Files of `perFile` seconds in one run, a fragment each. */
function recordFiles(
  { recordings }: Fixture,
  run: { runId: string; atMs: number; track?: Track; files: number; growing?: boolean },
): void {
  const track = run.track ?? sound;
  for (let file = 0; file < run.files; file++) {
    recordings.record({
      ...{ streamId: 'gate', runId: run.runId, startMs: run.atMs, tracks: [track], fileMs: 1, firstSequence: file },
      samples: seconds(track, file * 6, file * 6 + 6),
      growing: run.growing === true && file === run.files - 1,
    });
  }
}

const count = (text: string, tag: string) => text.split(`#${tag}`).length - 1;

test('files of one run share a map and have no discontinuity; a gap has one', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, files: 3 });
  recordFiles(all, { runId: 'b', atMs: startMs + 60_000, files: 1 });
  const text = await all.playback.playlist('gate', startMs, startMs + 120_000);
  assert.equal(count(text, 'EXT-X-MAP'), 1, text);
  assert.equal(count(text, 'EXT-X-DISCONTINUITY\n'), 1, text);
  assert.equal(count(text, 'EXTINF'), 4);
  assert.equal(count(text, 'EXT-X-PROGRAM-DATE-TIME'), 4);
  assert.match(text, /#EXT-X-PLAYLIST-TYPE:VOD\n/);
  assert.match(text, /#EXT-X-ENDLIST\n$/);
  assert.match(
    text,
    /#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:[^\n]+\n#EXTINF:6\.000,\n#EXT-X-BYTERANGE:\d+@\d+\n~b-0\.mp4\n/,
  );
});

test('a file missing from a run is a discontinuity', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, files: 3 });
  all.recordings.rows.splice(1, 1);
  const text = await all.playback.playlist('gate', startMs, startMs + 120_000);
  assert.equal(count(text, 'EXT-X-DISCONTINUITY\n'), 1, text);
});

test('F6 files that are damaged or gone are holes of a stretch, and the cause where nothing else is in it', async () => {
  const all = fixture();
  const end = startMs + 120_000;
  recordFiles(all, { runId: 'a', atMs: startMs, files: 6 });
  const { initBytes } = all.recordings.rows[0]!;
  all.recordings.damage('~a-1', 0, initBytes);
  all.recordings.damage('~a-2');
  all.recordings.damage('~a-4', initBytes, initBytes + 16);
  const text = await all.playback.playlist('gate', startMs, end);
  assert.deepEqual(text.match(/^~a-\d/gm), ['~a-0', '~a-3', '~a-4', '~a-5'], text);
  assert.equal(count(text, 'EXT-X-DISCONTINUITY\n'), 1, text);
  const { gaps } = await all.playback.mp4({ streamId: 'gate', startMs, endMs: end });
  const holes = gaps.map((gap) => [gap.startMs - startMs, gap.endMs - startMs]);
  assert.deepEqual(holes, [
    [6000, 18_000],
    [24_000, 30_000],
  ]);
  const lost = { kind: 'data_loss', code: 'PLAYBACK_HEAD' };
  await assert.rejects(all.playback.playlist('gate', startMs + 6500, startMs + 11_000), lost);
  const within = { streamId: 'gate', startMs: startMs + 6500, endMs: startMs + 11_000 };
  await assert.rejects(all.playback.mp4(within), lost);
});

test('F6 a damaged fragment is passed over in what HLS players get, with or without sound as FLAC', async () => {
  for (const track of [sound, alaw]) {
    const all = fixture();
    const { recordings, playback } = all;
    recordFiles(all, { runId: 'a', atMs: startMs, track, files: 1 });
    const [file] = recordings.rows;
    const range = { start: file!.initBytes, end: file!.bytes };
    recordings.damage(file!.id, range.start, range.start + 100);
    const { read } = await playback.file('gate', file!.id);
    const raw = await Array.fromAsync(read(range));
    const part = track === sound ? Buffer.concat(raw) : await playback.flacPart('gate', file!.id, range);
    const types = readBoxes(part, 0, part.length).map((box) => box.type);
    assert.deepEqual(types, ['free']);
  }
});

test('other parameters bring another map', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, files: 1 });
  const stereo: Track = { ...sound, channels: 2, parameterSets: [Uint8Array.of(0x15, 0x90)] };
  recordFiles(all, { runId: 'b', atMs: startMs + 6000, track: stereo, files: 1 });
  const text = await all.playback.playlist('gate', startMs, startMs + 120_000, { tokenQuery: '?token=x' });
  assert.equal(count(text, 'EXT-X-MAP'), 2, text);
  assert.match(text, /#EXT-X-MAP:URI="~b-0\.mp4\?token=x",BYTERANGE="\d+@0"/);
});

test('asked within a fragment, the exact start is told', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, files: 2 });
  const text = await all.playback.playlist('gate', startMs + 7250, startMs + 12_000);
  assert.match(text, /#EXT-X-START:TIME-OFFSET=1\.250,PRECISE=YES/);
  const early = await all.playback.playlist('gate', startMs + 5990, startMs + 12_000);
  assert.match(early, /#EXT-X-START:TIME-OFFSET=5\.990,PRECISE=YES/);
  const before = await all.playback.playlist('gate', startMs - 10, startMs + 12_000);
  assert.equal(count(before, 'EXT-X-START'), 0);
});

test('inside a gap, before anything and for strangers there is nothing, and the message says so', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, files: 1 });
  recordFiles(all, { runId: 'b', atMs: startMs + 60_000, files: 1 });
  for (const [id, from, to] of [
    ['gate', 10_000, 20_000],
    ['gate', -20_000, -10_000],
    ['other', 0, 10_000],
  ] as const) {
    await assert.rejects(all.playback.playlist(id, startMs + from, startMs + to), {
      kind: 'not_found',
      code: 'PLAYBACK_EMPTY',
    });
  }
});

test('a range that cannot be, and one of more than two hours, is refused with the cure', async () => {
  const { playback } = fixture();
  await assert.rejects(playback.playlist('gate', 5, 5), { kind: 'invalid_argument', code: 'PLAYBACK_RANGE' });
  await assert.rejects(playback.playlist('gate', Number.NaN, 5), { code: 'PLAYBACK_RANGE' });
  await assert.rejects(playback.playlist('gate', 0, 7_200_001), /at most two hours — ask until 1970-01-01T02:00:00/);
});

test('a file that grows makes an EVENT that only grows, and ends when its end has passed', async () => {
  const all = fixture();
  const atMs = nowMs - 12_000;
  recordFiles(all, { runId: 'a', atMs, files: 2, growing: true });
  const growing = await all.playback.playlist('gate', atMs, nowMs + 60_000);
  assert.match(growing, /#EXT-X-TARGETDURATION:10\n/);
  assert.match(growing, /#EXT-X-PLAYLIST-TYPE:EVENT\n/);
  assert.equal(count(growing, 'EXT-X-ENDLIST'), 0);
  assert.match(growing, /#EXT-X-START:TIME-OFFSET=0\.000,PRECISE=YES\n/, 'players begin at its beginning');
  assert.equal(count(growing, 'EXTINF'), 1, 'the file that grows may become one longer group');
  all.recordings.rows[1] = { ...all.recordings.rows[1]!, closed: true };
  const closed = await all.playback.playlist('gate', atMs, nowMs + 60_000);
  assert.ok(closed.startsWith(growing), closed);
  all.clock.advance(70_000);
  const ended = await all.playback.playlist('gate', atMs, nowMs + 60_000);
  assert.equal(ended, `${closed}#EXT-X-ENDLIST\n`);
});

test('sound alone is not said to be missing at another pace, but not to be played at it', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, files: 1 });
  const range = { streamId: 'gate', startMs, endMs: startMs + 12_000, speed: 2 };
  await assert.rejects(all.playback.speed.playlist(range), { kind: 'unsupported', code: 'PLAYBACK_SPEED_SOUND' });
  const before = { ...range, startMs: startMs - 9000, endMs: startMs - 1000 };
  await assert.rejects(all.playback.speed.playlist(before), { code: 'PLAYBACK_EMPTY' });
});

test('a playlist holds its files for minutes, once for all who ask', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, files: 2 });
  for (let i = 0; i < 3; i++) await all.playback.playlist('gate', startMs, startMs + 12_000);
  assert.deepEqual([...all.recordings.leases.values()], [1, 1]);
  all.clock.advance(11 * 60_000);
  await all.playback.playlist('gate', startMs, startMs + 5000);
  assert.deepEqual([...all.recordings.leases.values()], [1, 0]);
});

test('G.711 comes as FLAC under addresses of its own, complete and in time', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, track: alaw, files: 1 });
  const text = await all.playback.playlist('gate', startMs, startMs + 6000);
  assert.match(text, /#EXT-X-MAP:URI="~a-0\/flac\/init\.mp4"\n/);
  const [, from, to] = /~a-0\/flac\/(\d+)-(\d+)\.m4s/.exec(text)!;
  const init = await all.playback.flacInit('gate', '~a-0');
  const part = await all.playback.flacPart('gate', '~a-0', { start: Number(from), end: Number(to) });
  const file = Buffer.concat([init, part]);
  const scan = await scanFragments((at, length) => file.subarray(at, at + length), file.length);
  assert.equal(scan.tracks[0]!.track.codec, 'flac');
  const frames = scan.fragments.flatMap((one) =>
    readSamples(file.subarray(one.offset, one.offset + one.bytes), scan.tracks),
  );
  assert.deepEqual(
    frames.map((frame) => frame.dts),
    Array.from({ length: 300 }, (_, i) => i * 160),
  );
  await assert.rejects(all.playback.flacPart('gate', '~a-0', { start: 0, end: 10 }), { code: 'SEGMENT_NOT_FOUND' });
  await assert.rejects(all.playback.flacPart('other', '~a-0', { start: 0, end: 10 }), { code: 'SEGMENT_NOT_FOUND' });
});

test('VLC 3 gets the init segment behind each gap once more, in front of its first fragment', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, files: 2 });
  recordFiles(all, { runId: 'b', atMs: startMs + 60_000, track: alaw, files: 1 });
  const http = createHttpServer({ logger: silentLogger });
  registerPlaybackRoutes(http, { playback: all.playback, access: { authorize: async () => lastingGrant } });
  const url = `/recordings-hls/gate/index.m3u8?start=${startMs}&end=${startMs + 120_000}`;
  const behindGap = async (agent: string) => {
    const { body } = await http.app.inject({ url, headers: { 'user-agent': agent } });
    return /DISCONTINUITY\n(?:#.*\n)*(~.*\.m4s)/.exec(body)?.[1];
  };
  const [plain, whole] = [await behindGap('Mozilla/5.0'), await behindGap('VLC/3.0.24 LibVLC/3.0.24')];
  const { initBytes, bytes } = all.recordings.rows[2]!;
  assert.deepEqual([plain, whole], [`~b-0/flac/${initBytes}-${bytes}.m4s`, `~b-0/flac/0-${bytes}.m4s`]);
  const { rawPayload } = await http.app.inject({ url: `/recordings-hls/gate/${whole}` });
  assert.deepEqual(
    readBoxes(rawPayload, 0, rawPayload.length)
      .map(({ type }) => type)
      .slice(0, 3),
    ['ftyp', 'moov', 'moof'],
  );
  await http.close();
});

test('playlists, which some players get another way, are kept by player; the files are the same for all', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, files: 1 });
  const playlist = async () => '#EXTM3U';
  const file: Playback['file'] = (...names) => all.playback.file(...names);
  const playback = { playlist, speed: { playlist }, file } as unknown as Playback;
  const http = createHttpServer({ logger: silentLogger });
  registerPlaybackRoutes(http, { playback, access: { authorize: async () => lastingGrant } });
  const range = `index.m3u8?start=${startMs}&end=${startMs + 5000}`;
  const of = async (url: string) => {
    const { statusCode, headers } = await http.app.inject({ url });
    return [statusCode, headers['vary']];
  };
  assert.deepEqual(await of(`/recordings-hls/gate/${range}`), [200, 'User-Agent']);
  assert.deepEqual(await of(`/recordings-speed/gate/2/${range}`), [200, 'User-Agent']);
  assert.deepEqual(await of('/recordings-hls/gate/~a-0.mp4'), [200, undefined]);
  await http.close();
});

test('browsers keep nothing of a file that grows: a range is a range whatever was written since the last one', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, files: 2, growing: true });
  const http = createHttpServer({ logger: silentLogger });
  registerPlaybackRoutes(http, { playback: all.playback, access: { authorize: async () => lastingGrant } });
  const ask = async (file: string) =>
    (await http.app.inject({ url: `/recordings-hls/gate/${file}.mp4`, headers: { range: 'bytes=0-9' } })).headers;
  assert.equal((await ask('~a-1'))['cache-control'], 'no-store');
  assert.equal((await ask('~a-0'))['cache-control'], 'private, max-age=86400');
});

test('a file is served whole, in ranges and by its tag, with a hold while bytes flow', async () => {
  const all = fixture();
  recordFiles(all, { runId: 'a', atMs: startMs, files: 1 });
  const http = createHttpServer({ logger: silentLogger });
  const asked: AccessRequest[] = [];
  const authorize = async (request: AccessRequest) => {
    asked.push(request);
    return lastingGrant;
  };
  registerPlaybackRoutes(http, { playback: all.playback, access: { authorize } });
  const url = '/recordings-hls/gate/~a-0.mp4?token=t';
  const whole = await http.app.inject({ url });
  const { bytes } = all.recordings.rows[0]!;
  assert.equal(whole.statusCode, 200);
  assert.equal(whole.rawPayload.length, bytes);
  const etag = whole.headers['etag'] as string;
  const part = await http.app.inject({ url, headers: { range: 'bytes=10-19' } });
  assert.equal(part.statusCode, 206);
  assert.equal(part.headers['content-range'], `bytes 10-19/${bytes}`);
  assert.deepEqual(part.rawPayload, whole.rawPayload.subarray(10, 20));
  const past = await http.app.inject({ url, headers: { range: `bytes=${bytes}-` } });
  assert.equal(past.statusCode, 416);
  assert.match(String(past.headers['content-type']), /^application\/problem\+json/);
  assert.equal(past.json().code, 'RANGE_UNSATISFIABLE');
  assert.equal(past.headers['content-range'], `bytes */${bytes}`);
  const head = await http.app.inject({ url, method: 'HEAD' });
  assert.equal(head.headers['content-length'], String(bytes));
  assert.equal(head.rawPayload.length, 0);
  assert.equal((await http.app.inject({ url, headers: { 'if-none-match': etag } })).statusCode, 304);
  for (const tags of [`"other", ${etag}`, `W/${etag}`, '*'])
    assert.equal((await http.app.inject({ url, headers: { 'if-none-match': tags } })).statusCode, 304, tags);
  const headOfRange = await http.app.inject({ url, method: 'HEAD', headers: { range: 'bytes=0-1' } });
  assert.deepEqual(
    [headOfRange.statusCode, headOfRange.headers['content-length']],
    [200, head.headers['content-length']],
  );
  const asking = { origin: 'https://x.example', 'access-control-request-headers': 'range' };
  const preflight = await http.app.inject({ url, method: 'OPTIONS', headers: asking });
  const { 'access-control-allow-headers': allowed } = preflight.headers;
  assert.deepEqual([preflight.statusCode, allowed], [204, 'Authorization, Range']);
  const stale = await http.app.inject({ url, headers: { range: 'bytes=0-1', 'if-range': '"old"' } });
  assert.equal(stale.statusCode, 200);
  assert.equal((await http.app.inject({ url: '/recordings-hls/other/~a-0.mp4' })).statusCode, 404);
  assert.equal((await http.app.inject({ url: '/recordings-hls/gate/index.m3u8?start=x&end=1' })).statusCode, 400);
  const list = await http.app.inject({
    url: `/recordings-hls/gate/index.m3u8?start=${startMs}&end=${startMs + 5000}&token=t`,
  });
  assert.match(list.body, /~a-0\.mp4\?token=t\n/);
  assert.deepEqual([asked[0]?.action, asked[0]?.streamId, asked[0]?.query.get('token')], ['playback', 'gate', 't']);
  assert.equal(all.recordings.leases.get('~a-0'), 1, 'only that of the playlist is left');
  await http.close();
});
