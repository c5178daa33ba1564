import { concatBytes, readU32, readU64, writeU32 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type Box, findBox, readBoxes } from '@watchpost/media/container/fmp4/boxes.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { FlacAudio } from '../hub/live-fmp4/flac-audio.ts';

/** Most samples in one run of sound: a fragment is some seconds. */
const maxRunSamples = 100_000;

/**
 * Fragments of a file with its G.711 sound as FLAC, for players that decode no G.711. Pictures stay where they are (and
 * the unused sound beside them: it is little); the FLAC follows each fragment in one of its own. `g711`: tracks by id in
 * the file. Throws `malformed`.
 */
export function toFlacParts(bytes: Uint8Array, g711: ReadonlyMap<number, Track>): Uint8Array {
  const encoders = new Map([...g711].map(([id, track]) => [id, new FlacAudio(track)]));
  const parts: Uint8Array[] = [];
  let sequence = 0;
  const boxes = readBoxes(bytes, 0, bytes.length);
  for (let index = 0; index < boxes.length; index++) {
    const moof = boxes[index]!;
    const mdat = boxes[index + 1];
    if (moof.type !== 'moof' || mdat?.type !== 'mdat') continue;
    const inMoof = readBoxes(bytes, moof.body, moof.end);
    const sound = inMoof.filter((box) => box.type === 'traf' && g711.has(trackIdOf(bytes, box)));
    const pictures = withoutTrafs(bytes, moof, sound);
    if (pictures !== undefined) parts.push(pictures, bytes.subarray(mdat.start, mdat.end));
    for (const traf of sound) {
      const id = trackIdOf(bytes, traf);
      const encoder = encoders.get(id)!;
      const samples: Sample[] = [];
      for (const sample of soundOf(bytes, moof, { traf, track: g711.get(id)! })) samples.push(...encoder.push(sample));
      if (isLastMoof(boxes, index)) {
        const rest = encoder.end();
        if (rest !== undefined) samples.push(rest);
      }
      if (samples.length === 0) continue;
      parts.push(writeFragment(++sequence, [{ track: encoder.track, samples, nextDts: encoder.endTicks }]));
    }
  }
  return concatBytes(parts);
}

function isLastMoof(boxes: readonly Box[], index: number): boolean {
  for (let later = index + 1; later < boxes.length; later++) if (boxes[later]!.type === 'moof') return false;
  return true;
}

/** The `moof` without these tracks; undefined where no track is left. */
function withoutTrafs(bytes: Uint8Array, moof: Box, trafs: readonly Box[]): Uint8Array | undefined {
  const kept = readBoxes(bytes, moof.body, moof.end).filter((box) => !trafs.some((traf) => traf.start === box.start));
  if (!kept.some((box) => box.type === 'traf')) return undefined;
  let removed = 0;
  for (const traf of trafs) removed += traf.end - traf.start;
  const header = bytes.slice(moof.start, moof.body);
  writeU32(header, 0, moof.end - moof.start - removed);
  const parts = [header];
  for (const box of kept) {
    const copy = bytes.slice(box.start, box.end);
    if (box.type === 'traf') moveData(copy, -removed);
    parts.push(copy);
  }
  return concatBytes(parts);
}

/** Moves the data offsets of a `traf`, which count from its `moof` (ISO/IEC 14496-12 §8.8.8). */
function moveData(traf: Uint8Array, by: number): void {
  for (const box of readBoxes(traf, 8, traf.length)) {
    if (box.type !== 'trun' || (readU32(traf, box.body) & 1) === 0) continue;
    writeU32(traf, box.body + 8, readU32(traf, box.body + 8) + by);
  }
}

function trackIdOf(bytes: Uint8Array, traf: Box): number {
  const tfhd = findBox(readBoxes(bytes, traf.body, traf.end), 'tfhd');
  if (tfhd === undefined) throw malformed('a track without a header');
  return readU32(bytes, tfhd.body + 4);
}

/** The samples of a run of sound, one `Sample` each. ISO/IEC 14496-12 §8.8.7 (tfhd), §8.8.8 (trun), §8.8.12 (tfdt). */
function* soundOf(bytes: Uint8Array, moof: Box, place: { traf: Box; track: Track }): Iterable<Sample> {
  const inTraf = readBoxes(bytes, place.traf.body, place.traf.end);
  const tfhd = findBox(inTraf, 'tfhd')!;
  const tfdt = findBox(inTraf, 'tfdt');
  if (tfdt === undefined) throw malformed('a track without a decode time');
  const { duration, size } = defaultsOf(bytes, tfhd);
  let dts = bytes[tfdt.body] === 1 ? readU64(bytes, tfdt.body + 4) : readU32(bytes, tfdt.body + 4);
  for (const trun of inTraf) {
    if (trun.type !== 'trun') continue;
    const flags = readU32(bytes, trun.body);
    const count = readU32(bytes, trun.body + 4);
    if (count > maxRunSamples || (flags & 1) === 0) throw malformed('a run that cannot be');
    let dataAt = moof.start + (readU32(bytes, trun.body + 8) | 0);
    let at = trun.body + 12 + ((flags & 4) !== 0 ? 4 : 0);
    const step = 4 * (Number((flags & 0x400) !== 0) + Number((flags & 0x800) !== 0));
    for (let i = 0; i < count; i++) {
      let sampleDuration = duration;
      let sampleSize = size;
      if ((flags & 0x100) !== 0) {
        sampleDuration = readU32(bytes, at);
        at += 4;
      }
      if ((flags & 0x200) !== 0) {
        sampleSize = readU32(bytes, at);
        at += 4;
      }
      at += step;
      if (at > trun.end || dataAt < 0 || dataAt + sampleSize > bytes.length) throw malformed('a run beyond its data');
      const unit = bytes.subarray(dataAt, dataAt + sampleSize);
      yield { track: place.track, dts, pts: dts, key: true, units: [unit], byteLength: sampleSize, wallMs: 0, lost: 0 };
      dataAt += sampleSize;
      dts += sampleDuration;
    }
  }
}

function defaultsOf(bytes: Uint8Array, tfhd: Box): { readonly duration: number; readonly size: number } {
  const flags = readU32(bytes, tfhd.body);
  let at = tfhd.body + 8 + ((flags & 1) !== 0 ? 8 : 0) + ((flags & 2) !== 0 ? 4 : 0);
  const duration = (flags & 8) !== 0 ? readU32(bytes, at) : 0;
  if ((flags & 8) !== 0) at += 4;
  return { duration, size: (flags & 0x10) !== 0 ? readU32(bytes, at) : 0 };
}

function malformed(problem: string): WatchpostError {
  return new WatchpostError(`A recorded fragment has ${problem}; the file is damaged there`, {
    kind: 'malformed',
    code: 'PLAYBACK_FRAGMENT',
  });
}
