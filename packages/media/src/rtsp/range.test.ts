import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRange, type RtspRange, writeRange } from './range.ts';

const at = (text: string) => Date.parse(text);
const ranges: readonly (readonly [string, RtspRange])[] = [
  ['clock=20261120T114900.440Z-', { unit: 'clock', startMs: at('2026-11-20T11:49:00.440Z') }],
  [
    'clock=20261120T114900Z-20261120T115000.25Z',
    { unit: 'clock', startMs: at('2026-11-20T11:49:00Z'), endMs: at('2026-11-20T11:50:00.250Z') },
  ],
  ['clock=-20261120T114900Z', { unit: 'clock', endMs: at('2026-11-20T11:49:00Z') }],
  ['npt=0.000-', { unit: 'npt', startMs: 0 }],
  ['npt=now-', { unit: 'npt', fromNow: true }],
  ['npt=-20', { unit: 'npt', endMs: 20_000 }],
  ['NPT = 12.5 - 20 ;time=19970123T143720Z', { unit: 'npt', startMs: 12_500, endMs: 20_000 }],
  ['npt=1:02:03.5-', { unit: 'npt', startMs: 3_723_500 }],
];
for (const [text, range] of ranges)
  test(`Range: ${text}`, () => {
    assert.deepEqual(parseRange(text), range);
    assert.deepEqual(parseRange(writeRange(range)), range);
  });

for (const text of [
  '',
  'clock=yesterday-',
  'npt=-1-2',
  'smpte=0:10:20-',
  'clock=20261399T000000Z-',
  'npt=1e9-',
  'npt=5',
])
  test(`"${text}" is no range`, () => assert.throws(() => parseRange(text), { code: 'RTSP_RANGE_INVALID' }));
