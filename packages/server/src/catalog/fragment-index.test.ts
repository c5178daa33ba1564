import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packFragments, unpackFragments } from './fragment-index.ts';
import type { FragmentEntry } from './types.ts';

const startMs = 1_760_000_000_123;

test('what was packed comes back whole', () => {
  const table: FragmentEntry[][] = [
    [],
    [{ offset: 900, bytes: 1, startMs, durationMs: 0, key: true }],
    [
      { offset: 900, bytes: 120_000, startMs, durationMs: 960, key: true },
      { offset: 120_900, bytes: 5_000_000_000, startMs: startMs + 960, durationMs: 40, key: false },
      { offset: 5_000_120_910, bytes: 7, startMs: startMs + 990, durationMs: 123_456, key: true },
      { offset: 5_000_120_917, bytes: 7, startMs: 5, durationMs: 1, key: false },
    ],
  ];
  for (const fragments of table) assert.deepEqual(unpackFragments(packFragments(fragments)), fragments);
});

test('a minute of fragments takes half a kilobyte', () => {
  const fragments = Array.from({ length: 75 }, (_, i) => ({
    offset: 900 + i * 100_000,
    bytes: 100_000,
    startMs: startMs + i * 800,
    durationMs: 800,
    key: i % 2 === 0,
  }));
  assert(packFragments(fragments).length < 600);
});

test('a damaged index is told apart from an empty one', () => {
  const whole = packFragments([{ offset: 900, bytes: 120_000, startMs, durationMs: 960, key: true }]);
  for (const bytes of [
    whole.subarray(0, whole.length - 1),
    new Uint8Array(0),
    Uint8Array.of(9, 1),
    new Uint8Array(20).fill(0xff),
  ]) {
    assert.throws(() => unpackFragments(bytes), { code: 'FRAGMENT_INDEX_DAMAGED' });
  }
});
