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

test('a line that was begun by a sample that came late stands until the samples have caught up', () => {
  const line = new WallLine(0, startMs + 600);
  const times: number[] = [];
  for (let media = 0; media <= 8000; media += 800) {
    assert.equal(line.observe(media, startMs + media + (media === 0 ? 600 : 0)), false);
    times.push(line.at(media) - startMs);
  }
  // One hiccup proves nothing; the third one does, and the fragment from 2.4 s on has 0.2 s less than it lasts.
  const told = [600, 1400, 2200, 3000, 3200, 4000];
  for (const [i, ms] of told.entries()) assert.ok(Math.abs(times[i]! - ms) <= 2, `${times}`);
  assert.ok(Math.abs(times.at(-1)! - 8000) <= 2);
  assert.ok(Math.abs(line.at(1600) - startMs - 2200) <= 2, 'what was dated keeps its time');
});

test('single pictures from before their time, as of a camera whose clock is read badly, move nothing', () => {
  const line = new WallLine(0, startMs);
  for (let media = 800; media < 60_000; media += 800)
    line.observe(media, startMs + media - (media % 4000 === 0 ? 900 : 0));
  assert.ok(Math.abs(line.at(60_000) - startMs - 60_000) < 31);
});

test('in time that is taken the line stands', () => {
  const line = new WallLine(0, startMs, { notBeforeMs: startMs + 700 });
  assert.deepEqual(
    [0, 600, 700, 800, 5000].map((ms) => line.at(ms) - startMs),
    [700, 700, 700, 800, 5000],
  );
});

test('the times of a recording are exact: a hole in it is told at once', () => {
  const line = new WallLine(0, startMs, { isPast: true });
  const errors = [0, 10, -10, 2000];
  assert.deepEqual(
    errors.map((error, i) => line.observe(i * 1000, startMs + i * 1000 + error)),
    [false, false, false, true],
  );
});
