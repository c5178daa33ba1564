import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Gap, RecordingQuery, Segment } from '../catalog/types.ts';
import { noMedia, openApiFixture, withoutLogins } from './api-fixture.ts';
import type { MediaServices } from './dependencies.ts';

const beginMs = Date.parse('2025-10-09T06:00:00Z');
const minuteMs = 60_000;

function segment(index: number, startMs: number, closed = true): Segment {
  return {
    id: `~s${index}`,
    streamId: 'gate',
    runId: 'r1',
    sequence: index,
    backend: 'local_ssd',
    key: `gate/${index}.mp4`,
    startMs,
    endMs: startMs + minuteMs,
    bytes: 1000,
    initBytes: 100,
    codecs: 'avc1.64001e',
    tracks: [],
    locked: false,
    closed,
  };
}

const segments = [0, 1, 2, 10, 11].map((minute, index) => segment(index, beginMs + minute * minuteMs, index < 4));
const gaps: Gap[] = [
  { streamId: 'gate', startMs: beginMs + 3 * minuteMs, endMs: beginMs + 10 * minuteMs, reason: 'camera_offline' },
  { streamId: 'gate', startMs: beginMs + 12 * minuteMs, reason: 'auth_failed', detail: '401' },
];

const recordings: RecordingQuery = {
  segments: async (id, startMs, endMs) =>
    segments.filter((entry) => entry.streamId === id && entry.startMs < endMs && entry.endMs > startMs),
  fragments: async () => [],
  segment: async (id) => segments.find((entry) => entry.id === id),
  gaps: async (id, startMs, endMs) =>
    gaps.filter((gap) => gap.streamId === id && gap.startMs < endMs && (gap.endMs ?? Infinity) > startMs),
  days: async (id, startMs, endMs) => {
    const recordedMs = segments
      .filter((entry) => entry.streamId === id)
      .reduce((sum, entry) => sum + Math.max(0, Math.min(entry.endMs, endMs) - Math.max(entry.startMs, startMs)), 0);
    return recordedMs > 0 ? [{ startMs, recordedMs }] : [];
  },
  recordedStreams: async () => [
    { streamId: 'gate', bytes: 5000, oldestMs: segments[0]!.startMs, newestMs: segments.at(-1)!.endMs },
  ],
  lease: () => ({ [Symbol.dispose]: () => {} }),
};

async function get(path: string) {
  await using fixture = await openApiFixture({ overrides: { ...withoutLogins, recordings } });
  const answer = await fixture.app.inject({ url: `/api/v1${path}` });
  return { status: answer.statusCode, body: answer.json() };
}

test('segments and gaps of a time are listed, growing ones and lasting gaps included', async () => {
  const { body } = await get('/recordings/gate?start=2025-10-09T06:02:30Z&end=2025-10-09T06:20:00%2B00:00');
  assert.deepEqual(
    body.segments.map((entry: { id: string; growing: boolean }) => [entry.id, entry.growing]),
    [
      ['~s2', false],
      ['~s3', false],
      ['~s4', true],
    ],
  );
  assert.deepEqual(body.gaps, [
    { start: '2025-10-09T06:03:00.000Z', end: '2025-10-09T06:10:00.000Z', reason: 'camera_offline', detail: null },
    { start: '2025-10-09T06:12:00.000Z', end: null, reason: 'auth_failed', detail: '401' },
  ]);
  assert.deepEqual([body.truncated, body.start], [false, '2025-10-09T06:02:30.000Z']);
});

test('milliseconds are taken as times, and a list that is cut short says so', async () => {
  const { body } = await get(`/recordings/gate?start=${beginMs}&end=${beginMs + 3_600_000}&limit=2`);
  assert.deepEqual([body.segments.length, body.truncated], [2, true]);
});

test('the timeline joins segments that touch', async () => {
  const { body } = await get(`/recordings/gate/timeline?start=${beginMs + 30_000}&end=${beginMs + 3_600_000}`);
  assert.deepEqual(body.spans, [
    { start: '2025-10-09T06:00:30.000Z', end: '2025-10-09T06:03:00.000Z' },
    { start: '2025-10-09T06:10:00.000Z', end: '2025-10-09T06:12:00.000Z' },
  ]);
});

test('days are those of the time zone that was asked for', async () => {
  const utc = await get('/recordings/gate/days?from=2025-10-01&to=2025-10-31');
  assert.deepEqual(utc.body.days, [{ day: '2025-10-09', recorded_seconds: 300 }]);
  const kiritimati = await get('/recordings/gate/days?tz=Pacific/Kiritimati');
  assert.deepEqual(kiritimati.body.days, [{ day: '2025-10-09', recorded_seconds: 300 }]);
  const honolulu = await get('/recordings/gate/days?tz=Pacific/Honolulu');
  assert.deepEqual(honolulu.body.days, [{ day: '2025-10-08', recorded_seconds: 300 }]);
});

test('playback answers with the address of the playlist, for a stretch and for a segment', async () => {
  const stretch = await get('/recordings/gate/playback?start=2025-10-09T05:00:00Z&end=2025-10-09T06:02:00Z');
  assert.deepEqual(stretch.body, {
    url: 'http://localhost:80/recordings-hls/gate/index.m3u8?start=2025-10-09T05%3A00%3A00.000Z&end=2025-10-09T06%3A02%3A00.000Z',
    path: '/recordings-hls/gate/index.m3u8?start=2025-10-09T05%3A00%3A00.000Z&end=2025-10-09T06%3A02%3A00.000Z',
    type: 'hls',
    speed: 1,
    mp4: '/recordings-mp4/gate/video.mp4?start=2025-10-09T05%3A00%3A00.000Z&end=2025-10-09T06%3A02%3A00.000Z',
    start: '2025-10-09T06:00:00.000Z',
    end: '2025-10-09T06:02:00.000Z',
    next: null,
    expires: null,
    codecs: 'avc1.64001e',
  });
  const one = await get('/recordings/~s1/playback');
  assert.deepEqual([one.body.start, one.body.end], ['2025-10-09T06:01:00.000Z', '2025-10-09T06:02:00.000Z']);
});

test('the file of a stretch that is still recorded is asked for by the same instants each time', async () => {
  const asked: unknown[] = [];
  const mp4: MediaServices['mp4'] = async ({ startMs, endMs }, by) => {
    asked.push([startMs - beginMs, endMs - beginMs, by?.keepMs]);
    throw new WatchpostError('not here', { kind: 'not_found', code: 'PLAYBACK_EMPTY' });
  };
  await using fixture = await openApiFixture({
    overrides: { ...withoutLogins, recordings, media: { ...noMedia, mp4 } },
  });
  const path = '/api/v1/recordings/gate/playback?format=mp4&start=2025-10-09T05:50:00Z';
  for (const headers of [{}, { range: 'bytes=100-' }])
    await fixture.app.inject({ url: `${path}&end=2025-10-09T07:00:00Z`, headers });
  await fixture.app.inject({ url: `${path}&end=2025-10-10T05:00:00Z` });
  assert.deepEqual(asked, [
    [0, 60 * minuteMs, 0],
    [0, 60 * minuteMs, Number.POSITIVE_INFINITY],
    [0, 240 * minuteMs, 0],
  ]);
});

test('of a stretch that is longer than one playlist, the address is that of its first two recorded hours', async () => {
  const day = await get('/recordings/gate/playback?start=2025-10-09T00:00:00Z&end=2025-10-10T00:00:00Z');
  const path = '/recordings-hls/gate/index.m3u8?start=2025-10-09T06%3A00%3A00.000Z&end=2025-10-09T08%3A00%3A00.000Z';
  assert.deepEqual([day.body.path, day.body.next], [path, null]);
  segments.push(segment(5, beginMs + 150 * minuteMs, true));
  try {
    const longer = await get('/recordings/gate/playback?start=2025-10-09T00:00:00Z&end=2025-10-10T00:00:00Z');
    assert.deepEqual([longer.body.path, longer.body.next], [path, '2025-10-09T08:00:00.000Z']);
  } finally {
    segments.pop();
  }
});

const refused: readonly [path: string, status: number, what: string][] = [
  ['/recordings/nobody', 404, 'STREAM_NOT_FOUND'],
  ['/recordings/nobody/timeline', 404, 'STREAM_NOT_FOUND'],
  ['/recordings/~none/playback', 404, 'SEGMENT_NOT_FOUND'],
  ['/recordings/gate/playback?start=1000&end=2000', 404, 'NOTHING_RECORDED'],
  ['/recordings/gate?start=yesterday', 400, 'start'],
  ['/recordings/gate?start=2000&end=1000', 400, 'end'],
  ['/recordings/gate?start=0&end=1760000000000', 400, 'start'],
  ['/recordings/gate?limit=0', 400, 'limit'],
  ['/recordings/gate/playback?format=mp4&speed=2', 400, 'speed'],
  ['/recordings/gate?start=9999999999999990&end=9999999999999999', 400, 'start'],
  ['/recordings/gate?start=2025-10-09T09:00:00+03:00&limit=0', 400, 'limit'],
  ['/recordings/gate/days?tz=Nowhere', 400, 'tz'],
  ['/recordings/gate/days?from=2020-01-01', 400, 'to'],
  ['/recordings/..%2f..%2fetc/timeline', 400, 'id'],
];

for (const [path, status, what] of refused)
  test(`${path} is refused with ${status} ${what}`, async () => {
    const answer = await get(path);
    assert.equal(answer.status, status);
    assert.equal(status === 404 ? answer.body.code : answer.body.errors[0].field, what);
  });

const wordings: readonly [path: string, field: string, message: string][] = [
  ['/recordings/gate/snapshot', 'time', 'is missing'],
  ['/recordings/gate/playback?speed=17', 'speed', 'must be at most 16'],
  ['/recordings/gate/playback?speed=0,5', 'speed', 'must be a number'],
  ['/recordings/gate/playback?format=avi', 'format', 'must be "hls" or "mp4"'],
  ['/recordings/gate?limit=1.5', 'limit', 'must be a whole number'],
];

for (const [path, field, message] of wordings)
  test(`${path} is refused in words for a person`, async () => {
    assert.deepEqual((await get(path)).body.errors, [{ field, message }]);
  });
