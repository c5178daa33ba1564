import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { RecentFacts } from '../../hub/stream-history.ts';
import { examine, type Patient } from './examine.ts';

// 640x360, as x264 writes it: Baseline, and High with two B-frames.
const baseline = [fromHex('6742c01ed900a03db011000003000100000300320f162e48'), fromHex('68cb83cb20')];
const high = [fromHex('6764001eacd940a02ff9610000030001000003003c8f162d96'), fromHex('68ebecb22c')];
const video: Track = { id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, fps: 25, parameterSets: baseline };

const well: RecentFacts = {
  seconds: 180,
  packets: 50_000,
  lost: 0,
  frames: 4500,
  bytes: 50_000_000,
  droppedUnits: 0,
  repaired: {},
  longestGapMs: 60,
  keyIntervalsMs: [2000, 2000, 2000, 2000, 2000],
  clockOffsetMs: 120,
  reconnects: 0,
};
const patient: Patient = {
  state: 'online',
  awaitsPublisher: false,
  reason: undefined,
  tracks: [video],
  recent: well,
  leftOut: [],
  readersDropped: 0,
  recorderDropped: 0,
  shortStorage: [],
};
const recent = (facts: Partial<RecentFacts>): Partial<Patient> => ({ recent: { ...well, ...facts } });
const smart = [2000, 4000, 8000, 8000, 2000, 8000, 2000, 4000];

const cases: [title: string, change: Partial<Patient>, expected: [id: string, level: string][]][] = [
  ['nothing is wrong', {}, []],
  ['it is offline', { state: 'offline', reason: 'no route' }, [['offline', 'error']]],
  ['nobody sends it', { state: 'offline', awaitsPublisher: true }, [['awaits_publisher', 'info']]],
  ['nobody wants it', { state: 'on_demand' }, [['offline', 'info']]],
  ['it began just now', recent({ seconds: 5, frames: 0, keyIntervalsMs: [] }), [['early', 'info']]],
  ['GOPs of 5 s', recent({ keyIntervalsMs: [5000, 5000, 5000] }), [['gop_long', 'warning']]],
  ['GOPs of 20 s', recent({ keyIntervalsMs: [20_000, 20_040] }), [['gop_long', 'error']]],
  ['a smart codec', recent({ keyIntervalsMs: smart }), [['gop_varies', 'warning']]],
  ['a key picture for a player that joined', recent({ keyIntervalsMs: [2000, 2000, 2000, 300, 2000, 2000] }), []],
  ['one lost packet in a thousand', recent({ lost: 60 }), [['loss', 'warning']]],
  ['one lost packet in fifty', recent({ lost: 1000, droppedUnits: 30 }), [['loss', 'error']]],
  [
    'key pictures and others that were lost on the way: no smart codec, no slow camera',
    recent({ lost: 1000, droppedUnits: 900, frames: 2700, keyIntervalsMs: [2000, 4000, 2000, 6000, 2000] }),
    [['loss', 'error']],
  ],
  [
    'long GOPs, some of them lost',
    recent({ lost: 1000, droppedUnits: 900, keyIntervalsMs: [20_000, 20_000, 40_000] }),
    [
      ['gop_long', 'error'],
      ['loss', 'error'],
    ],
  ],
  [
    'a smart codec, and three lost packets',
    recent({ lost: 3, droppedUnits: 2, keyIntervalsMs: [2000, 20_000, 14_000, 20_000, 2000] }),
    [
      ['gop_varies', 'warning'],
      ['damaged', 'warning'],
    ],
  ],
  ['one lost packet', recent({ lost: 1 }), []],
  ['damaged pictures', recent({ droppedUnits: 3 }), [['damaged', 'warning']]],
  ['15 pictures for 25', recent({ frames: 2700 }), [['fps_low', 'warning']]],
  ['a rate that nobody promised', { ...recent({ frames: 2700 }), tracks: [{ ...video, fps: 0 }] }, []],
  ['bursts', recent({ longestGapMs: 1500 }), [['bursts', 'warning']]],
  ['a picture a second', { ...recent({ frames: 180, longestGapMs: 1500 }), tracks: [{ ...video, fps: 1 }] }, []],
  ['a clock two hours behind', recent({ clockOffsetMs: -7_200_000 }), [['clock', 'warning']]],
  ['a camera that does not tell its clock', recent({ clockOffsetMs: undefined }), []],
  ['wrong time stamps', recent({ repaired: { frozen: 12 } }), [['timestamps', 'info']]],
  ['three lost connections', recent({ reconnects: 3 }), [['reconnects', 'warning']]],
  ['B frames', { tracks: [{ ...video, parameterSets: high }] }, [['b_frames', 'info']]],
  ['MJPEG, which browsers show as pictures', { tracks: [{ ...video, codec: 'mjpeg', parameterSets: [] }] }, []],
  ['VP8', { tracks: [{ ...video, codec: 'vp8', parameterSets: [] }] }, [['no_browser', 'warning']]],
  [
    'what an output leaves out',
    { leftOut: [{ output: 'hls', codec: 'pcma', reason: 'no G.711' }] },
    [['left_out', 'info']],
  ],
  ['slow viewers', { readersDropped: 7 }, [['slow_readers', 'info']]],
  ['a disk that did not keep up', { recorderDropped: 7 }, [['slow_recorder', 'warning']]],
  ['too small a disk', { shortStorage: [{ name: 'disk', days: 3, wanted: 7 }] }, [['storage', 'warning']]],
  [
    'all at once, the gravest first',
    { ...recent({ lost: 1000, keyIntervalsMs: [5000, 5000], repaired: { wrap: 1 } }), readersDropped: 1 },
    [
      ['loss', 'error'],
      ['gop_long', 'warning'],
      ['timestamps', 'info'],
      ['slow_readers', 'info'],
    ],
  ],
];

for (const [title, change, expected] of cases) {
  test(`what is found: ${title}`, () => {
    const findings = examine({ ...patient, ...change });
    assert.deepEqual(
      findings.map(({ id, level }) => [id, level]),
      expected,
    );
    for (const { level, cure } of findings)
      assert.ok(level === 'info' || level === 'error' || cure, 'a warning has a cure');
  });
}

test('a finding says what was measured, in words and in numbers', () => {
  const [found] = examine({ ...patient, ...recent({ keyIntervalsMs: smart }) });
  assert.match(found!.text, /after 2 to 8 s: that is a "smart" codec/);
  assert.deepEqual(found!.values, { shortest: 2, longest: 8, median: 4 });
  assert.match(found!.cure!, /each 2 s/);
});

test('how far the clock is off is told in units that people use', () => {
  const textOf = (clockOffsetMs: number) => examine({ ...patient, ...recent({ clockOffsetMs }) })[0]!.text;
  assert.match(textOf(2900), /is 2\.9 s ahead of/);
  assert.match(textOf(-3_600_000), /is 60 min behind/);
  assert.match(textOf(-31_536_000_000), /is 365 days behind/);
});
