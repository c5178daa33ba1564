import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FragmentEntry, Segment } from '../catalog/types.ts';
import { SegmentFragments } from './segment-fragments.ts';

const entry: FragmentEntry = { offset: 0, bytes: 10, startMs: 0, durationMs: 1000, key: true };
const segment = (id: string, change: Partial<Segment> = {}) => ({ id, bytes: 100, closed: true, ...change }) as Segment;

function counted(most?: number) {
  const asked: string[] = [];
  const fragments = async (id: string) => {
    asked.push(id);
    return [entry, entry];
  };
  return { asked, kept: new SegmentFragments({ fragments }, most) };
}

test('a file that is final is looked up once, one that grows or was repaired again', async () => {
  const { asked, kept } = counted();
  for (let i = 0; i < 600; i++) assert.deepEqual(await kept.get(segment('a')), [entry, entry]);
  assert.deepEqual(asked, ['a']);
  for (let i = 0; i < 3; i++) await kept.get(segment('growing', { closed: false }));
  await kept.get(segment('growing'));
  assert.equal(asked.length, 5);
  await kept.get(segment('a', { bytes: 80 }));
  await kept.get(segment('a', { bytes: 80 }));
  assert.equal(asked.length, 6);
});

test('no more than a bound is kept: what was asked for longest ago goes first', async () => {
  const { asked, kept } = counted(5);
  for (const id of ['a', 'b', 'a', 'c', 'a', 'b']) await kept.get(segment(id));
  assert.deepEqual(asked, ['a', 'b', 'c', 'b']);
});
