import assert from 'node:assert/strict';
import test from 'node:test';
import type { MediaChunk, MediaHead } from './live-media.ts';
import { type LiveSegment, Segmenter } from './segmenter.ts';
import { writeLivePlaylist } from './write-playlist.ts';

const init: MediaHead = { bytes: new Uint8Array(4) };
const otherInit: MediaHead = { ...init };

function setUp(options: { gopMs?: number; segmentDurationMs?: number } = {}) {
  const segments: LiveSegment[] = [];
  const segmenter = new Segmenter({
    firstNumber: 1000,
    segmentDurationMs: options.segmentDurationMs ?? 2000,
    gopMs: () => options.gopMs,
    onSegment: (segment) => segments.push(segment),
  });
  let nowMs = 0;
  /** Pictures of 40 ms each. */
  const play = (pictures: number, chunk: { gop: number; session?: number; init?: MediaHead }) => {
    for (let i = 0; i < pictures; i++) {
      const place = { startMs: nowMs, endMs: nowMs + 40, wallMs: 1_760_000_000_000 + nowMs };
      segmenter.push({
        ...{ init, session: 1, bytes: Uint8Array.of(i), key: i % chunk.gop === 0 },
        ...place,
        ...chunk,
      } as MediaChunk);
      nowMs += 40;
    }
  };
  return { segments, segmenter, play };
}

const shapes: readonly { name: string; gop: number; gopMs?: number; durations: number[]; target: number }[] = [
  { name: 'a key picture each second', gop: 25, durations: [2000, 2000, 2000, 2000], target: 2 },
  { name: 'a key picture each two seconds', gop: 50, durations: [2000, 2000, 2000, 2000], target: 2 },
  {
    name: 'key pictures that do not fit into the target',
    gop: 38,
    gopMs: 1520,
    durations: [1520, 1520, 1520, 1520, 1520],
    target: 2,
  },
  { name: 'a key picture each four seconds', gop: 100, durations: [4000, 4000], target: 4 },
  { name: 'key pictures further apart than any target', gop: 500, durations: [12_400], target: 12 },
];

for (const { name, gop, gopMs, durations, target } of shapes) {
  test(`${name}: segments of ${durations[0]} ms, target ${target} s`, () => {
    const { segments, segmenter, play } = setUp(gopMs === undefined ? {} : { gopMs });
    play(gop === 500 ? 320 : 212, { gop });
    assert.deepEqual(
      segments.slice(0, durations.length).map((segment) => segment.durationMs),
      durations,
    );
    assert.equal(segmenter.targetSeconds, target);
    assert.deepEqual(
      segments.map((segment) => segment.number),
      segments.map((_, i) => 1000 + i),
    );
  });
}

test('no segment passes the target, though the camera makes its groups longer later', () => {
  const { segments, segmenter, play } = setUp();
  play(150, { gop: 50 });
  play(600, { gop: 600 });
  play(300, { gop: 30 });
  for (const segment of segments) assert.ok(Math.round(segment.durationMs / 1000) <= segmenter.targetSeconds);
  const total = segments.reduce((sum, segment) => sum + segment.durationMs, 0);
  assert.ok(Math.abs(total + segmenter.draftMs - 1050 * 40) < 1e-6, 'nothing is lost');
  assert.equal(
    segments.some((segment) => !segment.key),
    true,
  );
});

test('a player that waits gets what there is, and what follows goes on', () => {
  const { segments, segmenter, play } = setUp();
  play(20, { gop: 50 });
  segmenter.cut();
  play(100, { gop: 50 });
  assert.deepEqual(segments.map((segment) => [segment.durationMs, segment.key]).slice(0, 2), [
    [800, true],
    [2000, true],
  ]);
});

test('a new session is a discontinuity; a new init segment has the number of its first segment', () => {
  const { segments, segmenter, play } = setUp();
  play(60, { gop: 50 });
  play(60, { gop: 50, session: 2 });
  play(60, { gop: 50, session: 3, init: otherInit });
  segmenter.cut();
  const told = segments.map(({ number, discontinuities, initVersion, durationMs }) => [
    number,
    discontinuities,
    initVersion,
    durationMs,
  ]);
  assert.deepEqual(told, [
    [1000, 1000, 1000, 2000],
    [1001, 1000, 1000, 400],
    [1002, 1001, 1000, 2000],
    [1003, 1001, 1000, 400],
    [1004, 1002, 1004, 2000],
    [1005, 1002, 1004, 400],
  ]);
  const text = writeLivePlaylist(segments.slice(1), {
    container: 'fmp4',
    targetSeconds: 2,
    tokenQuery: '?token=t',
    notes: [],
  });
  assert.match(text, /#EXT-X-MEDIA-SEQUENCE:1001\n#EXT-X-DISCONTINUITY-SEQUENCE:1000\n/);
  assert.match(
    text,
    /#EXT-X-MAP:URI="init_1000\.mp4\?token=t"\n#EXT-X-PROGRAM-DATE-TIME:2025-10-09T08:53:22\.000Z\n#EXTINF:0\.400,\nsegment_1001\.m4s\?token=t\n/,
  );
  assert.match(text, /#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="init_1004\.mp4\?token=t"\n/);
  assert.equal(text.split('#EXT-X-DISCONTINUITY\n').length, 3);
});

test('a key picture that is announced ends the segment before its chunk is whole', () => {
  const { segments, segmenter, play } = setUp();
  play(50, { gop: 50 });
  assert.equal(segments.length, 0);
  segmenter.keyFollows(2000);
  assert.deepEqual(
    segments.map((segment) => segment.durationMs),
    [2000],
  );
  play(100, { gop: 50 });
  assert.deepEqual(
    segments.map((segment) => [segment.durationMs, segment.discontinuities]),
    [
      [2000, 1000],
      [2000, 1000],
    ],
  );
  assert.equal(segmenter.targetSeconds, 2);
});
