import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex } from '@watchpost/base/bytes.ts';
import type { Sample, Track } from '../../types.ts';
import { box, fullBox, readBoxes, u32 } from './boxes.ts';
import { writeFragment } from './fragment.ts';
import { writeInitSegment } from './init-segment.ts';
import { Fmp4SegmentReader } from './segment-reader.ts';

const av1C = fromHex('81000c000a0a00000003b4fd936be401');
const video: Track = { id: 0, kind: 'video', codec: 'av1', clockRate: 90_000, parameterSets: [av1C] };
const sample: Sample = {
  ...{ track: video, dts: 9000, pts: 9000, key: true, units: [fromHex('320510aabbccdd')], byteLength: 7 },
  ...{ wallMs: 0, lost: 0 },
};

/** The init segment with an edit list in its track: entries of duration (of 1000 a second) and media time. */
function withEdits(entries: readonly (readonly [durationMs: number, mediaTime: number])[]): Uint8Array {
  const init = writeInitSegment([video]);
  const [ftyp, moov] = readBoxes(init, 0, init.length);
  const children = readBoxes(init, moov!.body, moov!.end).map((child) => {
    if (child.type !== 'trak') return init.subarray(child.start, child.end);
    const rows = entries.map(([durationMs, mediaTime]) => u32(durationMs, mediaTime >>> 0, 0x1_0000));
    const edits = box('edts', fullBox('elst', 0, 0, u32(entries.length), ...rows));
    return box('trak', init.subarray(child.body, child.end), edits);
  });
  return concatBytes([init.subarray(0, ftyp!.end), box('moov', ...children)]);
}

const segment = writeFragment(1, [{ track: video, samples: [sample], nextDts: 12_600 }]);

test('AV1 is read back as it was written; edit lists move presentation', () => {
  const cases: readonly [entries: Parameters<typeof withEdits>[0], ticks: number][] = [
    [[], 9000],
    [[[0, 0]], 9000],
    [[[0, 7200]], 1800],
    // 100 ms of nothing come first.
    [
      [
        [100, -1],
        [0, 7200],
      ],
      10_800,
    ],
    // No delay of a decoder.
    [[[0, 90_000 * 100]], 9000],
  ];
  for (const [entries, ticks] of cases) {
    const found: { track: Track; dts: number; pts: number; units: readonly Uint8Array[] }[] = [];
    const sink = {
      track: () => {},
      unit: (track: Track, unit: Omit<(typeof found)[number], 'track'>) => found.push({ track, ...unit }),
    };
    new Fmp4SegmentReader(withEdits(entries), sink).read(segment);
    const [unit] = found;
    assert.deepEqual([found.length, unit!.dts, unit!.pts, unit!.units], [1, ticks, ticks, sample.units], `${entries}`);
    const { codec, width, height, parameterSets } = unit!.track;
    assert.deepEqual([codec, width, height, parameterSets], ['av1', 160, 90, [av1C]]);
  }
});
