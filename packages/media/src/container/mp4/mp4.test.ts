import assert from 'node:assert/strict';
import test from 'node:test';
import { readU32, readU64 } from '@watchpost/base/bytes.ts';
import { type Box, findBox, readBoxes, readBoxHeader } from '../fmp4/boxes.ts';
import { readMoov } from '../fmp4/read-moov.ts';
import { NumberList, RunList } from './number-list.ts';
import { readIndex } from './read-index.ts';
import { SampleTable } from './sample-table.ts';
import { tableOf, trackOf } from './test-table.ts';
import { writeProgressiveHead } from './write-head.ts';

/** The box at a path of types below the top level; its body is in `bytes`. */
function at(bytes: Uint8Array, ...path: string[]): Box {
  let from = 0;
  let end = bytes.length;
  let found: Box | undefined;
  for (const type of path) {
    found = findBox(readTop(bytes, from, end), type);
    assert.ok(found, `there is a ${type}`);
    from = found.body;
    end = found.end;
  }
  return found!;
}

/** The media data are not there. */
function readTop(bytes: Uint8Array, from: number, end: number): Box[] {
  if (from !== 0) return readBoxes(bytes, from, end);
  const boxes: Box[] = [];
  for (let at = 0; at < end; ) {
    const box = readBoxHeader(bytes, at)!;
    boxes.push(box);
    at = box.end;
  }
  return boxes;
}

const stbl = ['moov', 'trak', 'mdia', 'minf', 'stbl'];

test('lists keep numbers beyond 32 bits, and count what repeats', () => {
  const list = new NumberList();
  for (let i = 0; i < 1000; i++) list.push(2 ** 40 + i);
  assert.deepEqual([list.length, list.at(0), list.at(999)], [1000, 2 ** 40, 2 ** 40 + 999]);
  const runs = new RunList();
  for (const value of [5, 5, 5, 7, 5]) runs.push(value);
  const read = Array.from({ length: runs.counts.length }, (_, i) => [runs.counts.at(i), runs.values.at(i)]);
  assert.deepEqual(read, [
    [3, 5],
    [1, 7],
    [1, 5],
  ]);
});

test('a sample that is older than the one before is decoded with it, and shown when it says', () => {
  const table = new SampleTable();
  table.beginChunk(0, 0);
  for (const dts of [100, 140, 130, 180]) table.add({ dts, pts: dts, bytes: 1, key: false });
  table.end(220);
  const { counts, values } = table.durations;
  assert.deepEqual(
    Array.from({ length: counts.length }, (_, i) => [counts.at(i), values.at(i)]),
    [
      [1, 40],
      [1, 0],
      [2, 40],
    ],
  );
  assert.deepEqual([table.compositions.values.at(0), table.compositions.values.at(1)], [0, -10]);
  assert.equal(table.firstDts, 100);
});

test('a head points at each chunk behind itself', () => {
  const head = writeProgressiveHead([trackOf(tableOf(10, 4, (i) => 100 + i))], 1045);
  const stco = at(head, ...stbl, 'stco');
  assert.equal(readU32(head, stco.body + 4), 3);
  const offsets = [0, 1, 2].map((i) => readU32(head, stco.body + 8 + i * 4));
  assert.deepEqual(offsets, [head.length, head.length + 406, head.length + 406 + 422]);
  const stsc = at(head, ...stbl, 'stsc');
  const rows = Array.from({ length: readU32(head, stsc.body + 4) * 3 }, (_, i) => readU32(head, stsc.body + 8 + i * 4));
  assert.deepEqual(rows, [1, 4, 1, 3, 2, 1]);
  assert.equal(readU32(head, head.length - 8), 1045 + 8);
});

test('offsets and sizes have 64 bits where the file is larger than 4 GiB', () => {
  const bytes = 1_000_000_000;
  const head = writeProgressiveHead([trackOf(tableOf(6, 1, () => bytes))], 6 * bytes);
  const co64 = at(head, ...stbl, 'co64');
  assert.equal(readU64(head, co64.body + 8 + 5 * 8), head.length + 5 * bytes);
  const mdat = at(head, 'mdat');
  assert.equal(mdat.end, head.length + 6 * bytes);
  assert.equal(head.length - mdat.start, 16);
});

test('a file whose head alone makes it larger than 4 GiB has 64 bits, too', () => {
  const last = 2 ** 32 - 200;
  const head = writeProgressiveHead([trackOf(tableOf(2, 1, (i) => (i === 0 ? last : 50)))], last + 50);
  assert.equal(readU64(head, at(head, ...stbl, 'co64').body + 8 + 8), head.length + last);
});

test('an edit list begins in the middle of the media, after nothing where sound comes late', () => {
  const edit = { firstTicks: 320, shownTicks: 1200, emptyTicks: 80 };
  const head = writeProgressiveHead(
    [
      trackOf(
        tableOf(10, 10, () => 160),
        edit,
      ),
    ],
    1600,
  );
  const elst = at(head, 'moov', 'trak', 'edts', 'elst');
  assert.equal(readU32(head, elst.body + 4), 2);
  assert.deepEqual([readU64(head, elst.body + 8), readU32(head, elst.body + 16)], [900, 0xffff_ffff]);
  assert.deepEqual([readU64(head, elst.body + 28), readU64(head, elst.body + 36)], [13_500, 320]);
});

test('what is read of a head is what was written, with 32 bits and with 64', () => {
  for (const unit of [1, 10_000_000]) {
    const sizes = (i: number) => unit * (100 + i);
    const total = unit * 1045;
    const head = writeProgressiveHead([trackOf(tableOf(10, 4, sizes))], total);
    const moov = at(head, 'moov');
    const [index] = readIndex(head, moov, readMoov(head, moov, 0));
    assert.equal(index!.length, 10);
    let offset = head.length;
    for (let i = 0; i < 10; i++) {
      assert.deepEqual(index!.at(i), { offset, bytes: sizes(i), dts: i * 160, pts: i * 160, key: true });
      offset += sizes(i);
    }
    assert.equal(index!.dtsAt(10), 1600);
  }
});
