import assert from 'node:assert/strict';
import test from 'node:test';
import { estimateBytes, markedRange, noMarks, setMark, thumbnailTime } from './marks.ts';

test('a range is there once both ends are marked, in whatever order', () => {
  assert.equal(markedRange(setMark(noMarks, 'endMs', 2000)), null);
  assert.deepEqual(markedRange(setMark(setMark(noMarks, 'endMs', 2000), 'startMs', 1000)), {
    startMs: 1000,
    endMs: 2000,
  });
});

test('an end on the wrong side of the other begins a new range', () => {
  const marks = { startMs: 1000, endMs: 2000 };
  assert.deepEqual(setMark(marks, 'startMs', 2000), { startMs: 2000, endMs: null });
  assert.deepEqual(setMark(marks, 'endMs', 500), { startMs: null, endMs: 500 });
  assert.deepEqual(setMark(marks, 'endMs', 3000), { startMs: 1000, endMs: 3000 });
});

test('the size is that of the segments, as far as they lie in the range', () => {
  const segments = [
    { startMs: 0, endMs: 1000, bytes: 100 },
    { startMs: 1000, endMs: 3000, bytes: 400 },
    { startMs: 9000, endMs: 10_000, bytes: 50 },
  ];
  assert.equal(estimateBytes(segments, { startMs: 500, endMs: 2000 }), 250);
  assert.equal(estimateBytes(segments, { startMs: 4000, endMs: 9000 }), 0);
});

test('thumbnails are as far apart as the view is wide, two seconds at least', () => {
  assert.equal(thumbnailTime(12_345, 60_000), 12_000);
  assert.equal(thumbnailTime(1_000_000, 86_400_000), 720_000);
});
