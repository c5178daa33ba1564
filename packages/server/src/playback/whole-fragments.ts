import { writeU32 } from '@watchpost/base/bytes.ts';
import { readSamples } from '@watchpost/media/container/fmp4/demuxer.ts';
import type { FileTrack } from '@watchpost/media/container/fmp4/read-moov.ts';
import type { FragmentEntry } from '../catalog/types.ts';
import type { ByteRange } from './byte-range.ts';

/** Larger fragments are sent as they are: each one is held in memory until it has been looked at. */
const maxFragmentBytes = 32 * 1024 * 1024;

/** Which bytes of a recorded file are read, and what should be there. */
export interface FragmentPlaces {
  readonly range: ByteRange;
  readonly fragments: readonly FragmentEntry[];
  readonly tracks: readonly FileTrack[];
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

/** Whether all that a fragment says of its samples can be: `moof`, offsets, and the lengths of NAL units. */
function isWhole(fragment: Uint8Array, tracks: readonly FileTrack[]): boolean {
  try {
    const samples = readSamples(fragment, tracks);
    return samples.length > 0 && samples.every(({ units }) => units.every((unit) => unit.length > 0));
  } catch {
    return false;
  }
}

function freeBox(length: number): Uint8Array {
  const box = new Uint8Array(length);
  writeU32(box, 0, length);
  box.set([0x66, 0x72, 0x65, 0x65], 4);
  return box;
}
