import { concatBytes, readU32, writeU32 } from '@watchpost/base/bytes.ts';
import { type Box, findBox, malformedBox, readBoxes } from '@watchpost/media/container/fmp4/boxes.ts';

/** The `moof` without the tracks of these ids in the file; undefined where no track is left. Throws `malformed`. */
export function withoutTracks(bytes: Uint8Array, moof: Box, ids: ReadonlySet<number>): Uint8Array | undefined {
  const boxes = readBoxes(bytes, moof.body, moof.end);
  const kept = boxes.filter((box) => box.type !== 'traf' || !ids.has(fileIdOf(bytes, box)));
  if (!kept.some((box) => box.type === 'traf')) return undefined;
  let length = 8;
  for (const box of kept) length += box.end - box.start;
  const header = bytes.slice(moof.start, moof.start + 8);
  writeU32(header, 0, length);
  const removed = moof.end - moof.start - length;
  return concatBytes([header, ...kept.map((box) => moved(bytes.slice(box.start, box.end), box.type, -removed))]);
}

/** A child of a `moof` with its data offsets, which count from the `moof` (ISO/IEC 14496-12 §8.8.8), moved. */
function moved(box: Uint8Array, type: string, by: number): Uint8Array {
  if (type !== 'traf') return box;
  for (const trun of readBoxes(box, 8, box.length)) {
    if (trun.type !== 'trun' || (readU32(box, trun.body) & 1) === 0) continue;
    writeU32(box, trun.body + 8, readU32(box, trun.body + 8) + by);
  }
  return box;
}

function fileIdOf(bytes: Uint8Array, traf: Box): number {
  const tfhd = findBox(readBoxes(bytes, traf.body, traf.end), 'tfhd');
  if (tfhd === undefined) throw malformedBox("a 'traf' without 'tfhd'", traf.start);
  return readU32(bytes, tfhd.body + 4);
}
