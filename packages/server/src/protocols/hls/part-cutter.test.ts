import assert from 'node:assert/strict';
import test from 'node:test';
import { partLength } from './part-cutter.ts';

for (const { fps, pictures } of [
  { fps: 60, pictures: 21 },
  { fps: 30, pictures: 11 },
  { fps: 25, pictures: 9 },
  { fps: 15, pictures: 5 },
  { fps: 12, pictures: 4 },
  { fps: 5, pictures: 2 },
  { fps: 1, pictures: 1 },
]) {
  test(`parts of ${fps} pictures a second have ${pictures}, which is at least 85 % of the target`, () => {
    const frameMs = 1000 / fps;
    const { usualMs, maxMs } = partLength(frameMs);
    assert.ok(Math.abs(usualMs - pictures * frameMs) < 1e-9, `${usualMs}`);
    assert.ok(usualMs >= 0.85 * maxMs && usualMs <= maxMs, `${usualMs} of ${maxMs}`);
  });
}
