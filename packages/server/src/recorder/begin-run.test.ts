import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginRun } from './begin-run.ts';
import type { Cut } from './fragment-cutter.ts';

const cut = (wallMs: number, newestMs: number): Cut => ({
  ...{ runs: [], key: true, startMs: 700, endMs: 1700, lost: 0, isRest: false },
  ...{ wallMs, newestMs },
});

const cases: readonly [what: string, at: { wallMs: number; newestMs: number; lastEndMs?: number }, beginsMs: number][] =
  [
    ['the first one begins when it was captured', { wallMs: 9000, newestMs: 9800 }, 9000],
    ['after a gap, too', { wallMs: 9000, newestMs: 9800, lastEndMs: 4000 }, 9000],
    ['a burst does not reach into what is recorded', { wallMs: 9000, newestMs: 9800, lastEndMs: 9300 }, 9300],
    [
      'nor does one of a server that says when its pictures were captured',
      { wallMs: 9000, newestMs: 9900, lastEndMs: 9300 },
      9300,
    ],
    [
      'nothing is dated later than it came: the clock was set back',
      { wallMs: 9000, newestMs: 9800, lastEndMs: 60_000 },
      9800,
    ],
  ];

for (const [what, { wallMs, newestMs, lastEndMs }, beginsMs] of cases)
  test(what, () => {
    const run = beginRun(cut(wallMs, newestMs), [], lastEndMs);
    assert.equal(run.line.at(700), beginsMs);
    assert.equal(run.line.at(2700), Math.max(wallMs + 2000, beginsMs), 'what follows has its time');
  });
