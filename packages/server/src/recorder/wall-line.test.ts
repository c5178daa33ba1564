import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WallLine } from './wall-line.ts';

const startMs = 1_760_000_000_000;

test('a camera whose clock drifts is followed, and never runs backwards', () => {
  const line = new WallLine(0, startMs);
  let before = startMs;
  for (let media = 800; media < 3_600_000; media += 800) {
    assert.equal(line.observe(media, startMs + media * 1.0002), false);
    assert(line.at(media) > before);
    before = line.at(media);
  }
  assert(Math.abs(line.at(3_600_000) - (startMs + 3_600_000 * 1.0002)) < 5);
});

test('samples that come late in bursts do not move the line', () => {
  const line = new WallLine(0, startMs);
  for (let media = 800; media < 60_000; media += 800)
    line.observe(media, startMs + media + (media % 3 === 0 ? 500 : 0));
  assert(Math.abs(line.at(60_000) - startMs - 60_000) < 31);
});

test('a step is told after three fragments, a hiccup is not', () => {
  const line = new WallLine(0, startMs);
  const errors = [0, 5000, 5000, 0, 5000, 5000, 5000];
  assert.deepEqual(
    errors.map((error, i) => line.observe(i * 1000, startMs + i * 1000 + error)),
    [false, false, false, false, false, false, true],
  );
});

test('the times of a recording are exact: a hole in it is told at once', () => {
  const line = new WallLine(0, startMs, true);
  const errors = [0, 10, -10, 2000];
  assert.deepEqual(
    errors.map((error, i) => line.observe(i * 1000, startMs + i * 1000 + error)),
    [false, false, false, true],
  );
});
