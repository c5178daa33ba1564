import assert from 'node:assert/strict';
import test from 'node:test';
import { parseByteRange } from './byte-range.ts';

const cases: readonly [string | undefined, number, ReturnType<typeof parseByteRange>][] = [
  [undefined, 100, undefined],
  ['bytes=0-', 100, { start: 0, end: 100 }],
  ['bytes=10-19', 100, { start: 10, end: 20 }],
  ['bytes=10-500', 100, { start: 10, end: 100 }],
  ['bytes=-30', 100, { start: 70, end: 100 }],
  ['bytes=-300', 100, { start: 0, end: 100 }],
  ['bytes=-0', 100, 'unsatisfiable'],
  ['bytes=100-', 100, 'unsatisfiable'],
  ['bytes=0-0', 0, 'unsatisfiable'],
  ['bytes=20-10', 100, undefined],
  ['bytes=0-1,5-6', 100, undefined],
  ['bytes=-', 100, undefined],
  ['items=0-1', 100, undefined],
  ['bytes=9999999999999999999-', 100, undefined],
];

for (const [header, bytes, expected] of cases) {
  test(`"${header}" of ${bytes} bytes`, () => assert.deepEqual(parseByteRange(header, bytes), expected));
}
