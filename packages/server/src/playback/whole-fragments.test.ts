import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex } from '@watchpost/base/bytes.ts';
import { readBoxes } from '@watchpost/media/container/fmp4/boxes.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { FragmentEntry, Segment } from '../catalog/types.ts';
import { MemoryRecordings } from './memory-recordings.ts';
import { parseSegmentHead } from './segment-head.ts';
import { wholeFragments } from './whole-fragments.ts';

const video: Track = {
  ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000, width: 640, height: 360 },
  parameterSets: [fromHex('6742c01ed901e089f970110000030001000003003c0f162e48'), fromHex('68cb83cb20')],
};

/** A file of eight fragments of a second, every other one with a key picture; `bytes` are those on the disk. */
async function makeFile() {
  const recordings = new MemoryRecordings();
  const samples = Array.from({ length: 8 * 5 }, (_, i): Sample => {
    const unit = new Uint8Array(300).fill(0x55);
    const [dts, key] = [i * 18_000, i % 5 === 0];
    unit[0] = key ? 0x65 : 0x41;
    return { track: video, dts, pts: dts, key, units: [unit], byteLength: 300, wallMs: i * 200, lost: 0 };
  });
  const run = { streamId: 'gate', runId: 'a', startMs: 0, tracks: [video], fileMs: 60_000 };
  const [segment] = recordings.record({ ...run, samples }) as [Segment];
  const bytes = concatBytes(await Array.fromAsync(recordings.backend.read(segment.key)));
  const { tracks } = parseSegmentHead(bytes.subarray(0, segment.initBytes));
  const fragments = (await recordings.fragments(segment.id)).map((entry, i) => ({ ...entry, key: i % 2 === 0 }));
  return { bytes, tracks, fragments, range: { start: 0, end: bytes.length } };
}

async function* inPieces(bytes: Uint8Array, length: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** Numbers of the fragments that are `free` boxes; all else must be as it was. */
function lostIn(sent: Uint8Array, good: Uint8Array, fragments: readonly FragmentEntry[]): number[] {
  assert.equal(sent.length, good.length);
  readBoxes(sent, 0, sent.length);
  const lost: number[] = [];
  for (const [number, { offset, bytes }] of fragments.entries()) {
    const own = sent.subarray(offset, offset + bytes);
    if (Buffer.from(own.subarray(4, 8)).toString() === 'free') lost.push(number);
    else assert.deepEqual(own, good.subarray(offset, offset + bytes));
  }
  return lost;
}

test('F6 a fragment that is damaged, and what follows it up to the next key picture, is a box that players pass over', async () => {
  const { bytes: good, ...places } = await makeFile();
  const { fragments } = places;
  const at = (number: number) => fragments[number]!.offset;
  const cases: readonly [what: string, from: number, to: number, lost: readonly number[]][] = [
    ['nothing', 0, 0, []],
    ['all of one', at(3), at(4), [3]],
    ['one with a key picture', at(2), at(3), [2, 3]],
    ['the head of one', at(3), at(3) + 8, [3]],
    ['the inside of a moof', at(3) + 40, at(3) + 60, [3]],
    ['the length of a NAL unit', at(4) - 304, at(4) - 300, [3]],
    ['the end of one and the head of the next', at(4) - 10, at(4) + 10, [4, 5]],
  ];
  for (const [what, from, to, lost] of cases) {
    const damaged = good.slice().fill(0, from, to);
    for (const length of [7, 1000, good.length]) {
      const sent = concatBytes(await Array.fromAsync(wholeFragments(inPieces(damaged, length), places)));
      const want = what.startsWith('the end') ? damaged : good;
      assert.deepEqual(lostIn(sent, want, fragments), lost, `${what}, pieces of ${length}`);
    }
  }
});

test('F6 a file that ends too early ends in boxes that players pass over, and a range of fragments is looked at alike', async () => {
  const { bytes: good, fragments, tracks } = await makeFile();
  const range = { start: fragments[2]!.offset, end: good.length };
  const short = good.subarray(range.start, fragments[5]!.offset + 100);
  const sent = await Array.fromAsync(wholeFragments(inPieces(short, 500), { range, fragments, tracks }));
  const whole = concatBytes([good.subarray(0, range.start), ...sent]);
  assert.deepEqual(lostIn(whole, good, fragments), [5, 6, 7]);
});

test('bytes that are no whole fragment are as they are', async () => {
  const { bytes: good, fragments, tracks } = await makeFile();
  const range = { start: fragments[2]!.offset + 5, end: fragments[3]!.offset + 9 };
  const asked = good.subarray(range.start, range.end);
  const sent = await Array.fromAsync(wholeFragments(inPieces(asked, 100), { range, fragments, tracks }));
  assert.deepEqual(concatBytes(sent), asked);
});
