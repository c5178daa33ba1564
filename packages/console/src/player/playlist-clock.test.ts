import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holeBetween, type PlaylistPiece, secondsAt, wallAt } from './playlist-clock.ts';

const pieces: readonly PlaylistPiece[] = [
  { startSeconds: 0, durationSeconds: 4, wallMs: 100_000 },
  { startSeconds: 4, durationSeconds: 4, wallMs: 104_000 },
  { startSeconds: 8, durationSeconds: 4, wallMs: 300_000 },
];

test('the wall clock follows the pieces over a hole', () => {
  assert.equal(wallAt(pieces, 0), 100_000);
  assert.equal(wallAt(pieces, 5.5), 105_500);
  assert.equal(wallAt(pieces, 8), 300_000);
  assert.equal(wallAt(pieces, 9), 301_000);
  assert.equal(wallAt([], 9), null);
  assert.equal(wallAt([{ startSeconds: 0, durationSeconds: 1, wallMs: null }], 0), null);
});

test('an instant in a hole is where the next piece begins', () => {
  assert.equal(secondsAt(pieces, 105_500), 5.5);
  assert.equal(secondsAt(pieces, 200_000), 8);
  assert.equal(secondsAt(pieces, 301_000), 9);
});

test('instants outside of the playlist have no place', () => {
  assert.equal(secondsAt(pieces, 99_999), null);
  assert.equal(secondsAt(pieces, 304_000), null);
  assert.equal(secondsAt([], 1), null);
});

test('every place comes back from its wall clock', () => {
  for (const seconds of [0, 1, 3.9, 4, 7.5, 8, 11])
    assert.equal(secondsAt(pieces, wallAt(pieces, seconds) ?? 0), seconds);
});

test('a hole is reported once, when it is passed', () => {
  assert.deepEqual(holeBetween(pieces, 7.9, 8.1), { startMs: 108_000, endMs: 300_000 });
  assert.equal(holeBetween(pieces, 3.9, 4.1), null);
  assert.equal(holeBetween(pieces, 8.1, 8.4), null);
});
