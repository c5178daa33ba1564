import assert from 'node:assert/strict';
import test from 'node:test';
import type { FragmentEntry } from '../catalog/types.ts';
import { groupFragments, maxGroupMs } from './fragment-groups.ts';

/** Fragments one after the other; `k` begins with a key picture. */
function fragments(kinds: string, durationMs = 1000, startMs = 50_000): FragmentEntry[] {
  return [...kinds].map((kind, index) => ({
    offset: 100 + index * 10,
    bytes: 10,
    startMs: startMs + index * durationMs,
    durationMs,
    key: kind === 'k',
  }));
}

const whole = { fromMs: 0, toMs: Number.POSITIVE_INFINITY, growing: false };
const spans = (groups: ReturnType<typeof groupFragments>) => groups.map((group) => [group.startMs, group.durationMs]);

const cases: readonly { name: string; kinds: string; options?: Partial<typeof whole>; expected: number[][] }[] = [
  {
    name: 'groups end at the first key fragment after four seconds',
    kinds: 'kkkkkkkkk',
    expected: [
      [50_000, 4000],
      [54_000, 4000],
      [58_000, 1000],
    ],
  },
  {
    name: 'a group waits for its key fragment',
    kinds: 'k.....k.',
    expected: [
      [50_000, 6000],
      [56_000, 2000],
    ],
  },
  {
    name: 'a group of pictures longer than ten seconds is cut between key pictures',
    kinds: 'k.............',
    expected: [
      [50_000, 10_000],
      [60_000, 4000],
    ],
  },
  {
    name: 'asked before the file begins, all of it plays',
    kinds: 'k.k.',
    options: { fromMs: 49_990 },
    expected: [[50_000, 4000]],
  },
  {
    name: 'asked between key pictures, it begins at the one before',
    kinds: 'k.k.k.',
    options: { fromMs: 53_500 },
    expected: [[52_000, 4000]],
  },
  {
    name: 'asked at the very key picture, it begins there',
    kinds: 'k.k.',
    options: { fromMs: 52_000 },
    expected: [[52_000, 2000]],
  },
  { name: 'asked past the end, nothing plays', kinds: 'k.k.', options: { fromMs: 54_000 }, expected: [] },
  { name: 'what begins at the end is left out', kinds: 'k.k.', options: { toMs: 52_000 }, expected: [[50_000, 2000]] },
  {
    name: 'a group that may become longer is left out while the file grows',
    kinds: 'k...k..',
    options: { growing: true },
    expected: [[50_000, 4000]],
  },
  {
    name: 'a file that grows past the end is whole up to there',
    kinds: 'k...k..',
    options: { growing: true, toMs: 55_500 },
    expected: [
      [50_000, 4000],
      [54_000, 2000],
    ],
  },
  { name: 'no fragments, no groups', kinds: '', expected: [] },
];

for (const { name, kinds, options, expected } of cases) {
  test(name, () => assert.deepEqual(spans(groupFragments(fragments(kinds), { ...whole, ...options })), expected));
}

test('sound behind the last picture goes with it however long it is, and is found by its time', () => {
  const all = fragments('k.k.');
  const last = all.at(-1)!;
  const until = last.startMs + 30_000;
  all[3] = { ...last, durationMs: 30_000 };
  for (let i = 1; i < 30; i++)
    all.push({ ...last, offset: last.offset + i * 10, startMs: last.startMs + i * 1000, durationMs: 0 });
  const groups = groupFragments(all, { ...whole, fromMs: until - 1 });
  assert.deepEqual(spans(groups), [
    [52_000, 1000],
    [53_000, 30_000],
  ]);
  assert.equal(groups.at(-1)!.end, all.at(-1)!.offset + 10);
  assert.deepEqual(groupFragments(all, { ...whole, fromMs: until }), []);
});

/** A small generator, so that a failure can be repeated from its seed. */
function random(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
}

for (let seed = 1; seed <= 200; seed++) {
  test(`groups cover what is asked for, once, and only grow (seed ${seed})`, () => {
    const next = random(seed);
    const kinds = `k${Array.from({ length: Math.floor(next() * 60) }, () => (next() < 0.3 ? 'k' : '.')).join('')}`;
    const all = fragments(kinds, 200 + Math.floor(next() * 1800));
    const fromMs = 49_000 + next() * 60_000;
    const toMs = fromMs + next() * 60_000;
    const groups = groupFragments(all, { fromMs, toMs, growing: false });
    const wanted = all.filter((one) => one.startMs + one.durationMs > fromMs && one.startMs < toMs);
    if (wanted.length === 0) {
      assert.deepEqual(groups, []);
      return;
    }
    const first = all.find((one) => one.startMs === groups[0]!.startMs)!;
    assert.ok(first.key && first.startMs <= Math.max(fromMs, wanted[0]!.startMs));
    assert.equal(groups.at(-1)!.end, wanted.at(-1)!.offset + wanted.at(-1)!.bytes);
    for (const [i, group] of groups.entries()) {
      assert.ok(group.durationMs <= maxGroupMs && group.end > group.start);
      if (i > 0) assert.equal(group.start, groups[i - 1]!.end);
    }
    const soFar = groupFragments(all.slice(0, Math.ceil(all.length * next())), { fromMs, toMs, growing: true });
    assert.deepEqual(soFar, groups.slice(0, soFar.length));
  });
}
