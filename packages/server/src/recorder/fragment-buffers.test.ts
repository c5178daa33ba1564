import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FragmentBuffers } from './fragment-buffers.ts';

test('memory that was given back is used again for arrays of about its size', () => {
  const buffers = new FragmentBuffers();
  const first = buffers.take(100_000);
  assert.equal(first.length, 100_000);
  buffers.give(first);
  const second = buffers.take(110_000);
  assert.equal(second.length, 110_000);
  assert.equal(second.buffer, first.buffer);
  assert.notEqual(buffers.take(110_000).buffer, first.buffer);
});

test('what is not given back is never handed out twice', () => {
  const buffers = new FragmentBuffers();
  const taken = Array.from({ length: 50 }, () => buffers.take(64_000));
  assert.equal(new Set(taken.map((array) => array.buffer)).size, 50);
});

test('no more than 16 MiB waits to be used', () => {
  const buffers = new FragmentBuffers();
  const taken = Array.from({ length: 40 }, () => buffers.take(1024 * 1024));
  for (const array of taken) buffers.give(array);
  const again = Array.from({ length: 40 }, () => buffers.take(1024 * 1024).buffer);
  assert.equal(again.filter((buffer) => taken.some((array) => array.buffer === buffer)).length, 16);
});
