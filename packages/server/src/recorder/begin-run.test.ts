import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginRun } from './begin-run.ts';
import type { Cut } from './fragment-cutter.ts';

const cut = (wallMs: number, cameMs: number): Cut => ({
  ...{ runs: [], key: true, startMs: 700, endMs: 1700, lost: 0, isRest: false },
  ...{ wallMs, cameMs },
});

const cases: readonly [what: string, at: { wallMs: number; cameMs: number; lastEndMs?: number }, beginsMs: number][] = [
  ['the first one begins when it was captured', { wallMs: 9000, cameMs: 9800 }, 9000],
  ['after a gap, too', { wallMs: 9000, cameMs: 9800, lastEndMs: 4000 }, 9000],
  ['a burst does not reach into what is recorded', { wallMs: 9000, cameMs: 9800, lastEndMs: 9300 }, 9300],
  [
    'nothing is dated later than it came: the clock was set back',
    { wallMs: 9000, cameMs: 9800, lastEndMs: 60_000 },
    9800,
  ],
];

for (const [what, { wallMs, cameMs, lastEndMs }, beginsMs] of cases)
  test(what, () => {
    const run = beginRun(cut(wallMs, cameMs), [], lastEndMs);
    assert.equal(run.line.at(700), beginsMs);
  });
