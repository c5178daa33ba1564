import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawFrame } from '../scripts/picture.ts';
import { readFrameNumber } from './frame-number.ts';

test('every number reads back from the picture it was drawn in, at both sizes', () => {
  for (const [width, height] of [
    [640, 360],
    [320, 180],
  ] as const) {
    for (const number of [0, 1, 2, 49, 50, 127, 128, 199, 255, 4095, 16384, 32767])
      assert.equal(readFrameNumber(drawFrame(number, { width, height, fps: 25 }), width, height), number);
  }
});

test('a number survives scaling to another size and noise', () => {
  const source = drawFrame(1234, { width: 640, height: 360, fps: 25 });
  const width = 426;
  const height = 240;
  const scaled = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++)
      scaled[y * width + x] =
        source[Math.floor(y * 1.5) * 640 + Math.floor((x * 640) / width)]! + ((x * 7 + y) % 9) - 4;
  }
  assert.equal(readFrameNumber(scaled, width, height), 1234);
});

test('a picture without a number, a damaged one and a tiny one have none', () => {
  assert.equal(readFrameNumber(new Uint8Array(640 * 360).fill(118), 640, 360), undefined, 'grey');
  assert.equal(readFrameNumber(new Uint8Array(640 * 360).fill(16), 640, 360), undefined, 'black');
  const damaged = drawFrame(77, { width: 640, height: 360, fps: 25 });
  for (let y = 0; y < 40; y++) for (let x = 0; x < 40; x++) damaged[y * 640 + x] = 251 - damaged[y * 640 + x]!;
  assert.equal(readFrameNumber(damaged, 640, 360), undefined, 'one block turned over');
  assert.equal(readFrameNumber(new Uint8Array(100), 10, 10), undefined, 'tiny');
});
