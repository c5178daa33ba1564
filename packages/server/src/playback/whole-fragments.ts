import { writeU32 } from '@watchpost/base/bytes.ts';
import { malformedBox } from '@watchpost/media/container/fmp4/boxes.ts';
import { readSamples } from '@watchpost/media/container/fmp4/demuxer.ts';
import type { FileTrack } from '@watchpost/media/container/fmp4/read-moov.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { FragmentEntry, Segment } from '../catalog/types.ts';
import type { ByteRange } from './byte-range.ts';
import type { RecordedFiles } from './recorded-files.ts';
import type { SegmentFragments } from './segment-fragments.ts';
import type { SegmentHeads } from './segment-heads.ts';

/** Larger fragments are sent as they are: each one is held in memory until it has been looked at. */
const maxFragmentBytes = 32 * 1024 * 1024;

/** Which bytes of a recorded file are read, and what should be there. */
export interface FragmentPlaces {
  readonly range: ByteRange;
  readonly fragments: readonly FragmentEntry[];
  readonly tracks: readonly FileTrack[];
}

/** What recorded files are read with. */
export interface FileReaders {
  readonly fragments: SegmentFragments;
  readonly files: RecordedFiles;
  readonly heads: SegmentHeads;
}

/** Bytes of a recorded file as `wholeFragments` has them; as they are where its head is damaged, too. */
export async function* readWhole(
  { fragments, files, heads }: FileReaders,
  segment: Segment,
  range: ByteRange,
): AsyncIterable<Uint8Array> {
  const pieces = files.stream(segment, range);
  const head = await heads.find(segment, []);
  if (head === undefined) return yield* pieces;
  yield* wholeFragments(pieces, { range, fragments: await fragments.get(segment), tracks: head.tracks });
}

/**
 * The bytes of a range of a recorded file, in which fragments that are damaged or missing are `free` boxes of the same
 * length (ISO/IEC 14496-12 §8.1.2), and those behind them up to the next key picture, too: players pass over a hole (F6),
 * but Chromium 156 gives up all that it has buffered over one box or NAL unit that cannot be, and FFmpeg loses its place.
 */
export async function* wholeFragments(
  pieces: AsyncIterable<Uint8Array>,
  { range, fragments, tracks }: FragmentPlaces,
): AsyncIterable<Uint8Array> {
  const inRange = fragments.filter(({ offset, bytes }) => offset >= range.start && offset + bytes <= range.end);
  const places = inRange.filter(({ bytes }) => bytes <= maxFragmentBytes);
  let isTorn = false;
  const looked = (entry: FragmentEntry, bytes: Uint8Array): Uint8Array => {
    isTorn = (isTorn && !entry.key) || !isWhole(bytes, tracks);
    return isTorn ? freeBox(entry.bytes) : bytes;
  };
  let at = range.start;
  let next = 0;
  let held: { readonly bytes: Uint8Array; length: number } | undefined;
  for await (const piece of pieces) {
    for (let from = 0; from < piece.length; ) {
      const entry = places[next];
      if (entry === undefined || at < entry.offset) {
        const length = Math.min(piece.length - from, (entry?.offset ?? Number.POSITIVE_INFINITY) - at);
        yield piece.subarray(from, from + length);
        from += length;
        at += length;
        continue;
      }
      held ??= { bytes: new Uint8Array(entry.bytes), length: 0 };
      const length = Math.min(piece.length - from, entry.bytes - held.length);
      held.bytes.set(piece.subarray(from, from + length), held.length);
      held.length += length;
      from += length;
      at += length;
      if (held.length < entry.bytes) continue;
      yield looked(entry, held.bytes);
      held = undefined;
      next++;
    }
  }
  // The file ends before its index does.
  if (held !== undefined) at -= held.length;
  for (const { offset, bytes } of places.slice(next)) {
    if (offset !== at) return;
    yield freeBox(bytes);
    at += bytes;
  }
}

/** The samples of a fragment. Throws `malformed` where they cannot be: boxes, offsets, lengths of NAL units. */
export function readWholeSamples(fragment: Uint8Array, tracks: readonly FileTrack[]): Sample[] {
  const samples = readSamples(fragment, tracks);
  const isWhole = samples.length > 0 && samples.every(({ units }) => units.every((unit) => unit.length > 0));
  if (isWhole) return samples;
  throw malformedBox('a fragment without samples, or with one that is empty', 0);
}

function isWhole(fragment: Uint8Array, tracks: readonly FileTrack[]): boolean {
  try {
    readWholeSamples(fragment, tracks);
    return true;
  } catch {
    return false;
  }
}

/** A box that players pass over (ISO/IEC 14496-12 §8.1.2); `length` of at least 8. */
export function freeBox(length: number): Uint8Array {
  const box = new Uint8Array(length);
  writeU32(box, 0, length);
  box.set([0x66, 0x72, 0x65, 0x65], 4);
  return box;
}
