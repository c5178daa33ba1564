import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FragmentEntry } from './types.ts';

const version = 1;
const maxFragments = 1_000_000;

/**
 * Packs the fragments of a segment for its row, some 6 bytes each: version, then for each fragment, as LEB128, the bytes
 * between it and the one before, its size, the ms from the end of the one before (zigzag), and its ms with the key bit.
 */
export function packFragments(fragments: readonly FragmentEntry[]): Uint8Array {
  const bytes: number[] = [version];
  let endOffset = 0;
  let endMs = 0;
  for (const fragment of fragments) {
    writeVarint(bytes, fragment.offset - endOffset);
    writeVarint(bytes, fragment.bytes);
    const step = fragment.startMs - endMs;
    writeVarint(bytes, step >= 0 ? step * 2 : -step * 2 - 1);
    writeVarint(bytes, fragment.durationMs * 2 + (fragment.key ? 1 : 0));
    endOffset = fragment.offset + fragment.bytes;
    endMs = fragment.startMs + fragment.durationMs;
  }
  return Uint8Array.from(bytes);
}

/** The reverse of `packFragments`. Throws `data_loss` (`FRAGMENT_INDEX_DAMAGED`). */
export function unpackFragments(packed: Uint8Array): FragmentEntry[] {
  if (packed[0] !== version) throw damaged();
  const cursor = { at: 1 };
  const fragments: FragmentEntry[] = [];
  let endOffset = 0;
  let endMs = 0;
  while (cursor.at < packed.length) {
    if (fragments.length >= maxFragments) throw damaged();
    const offset = endOffset + readVarint(packed, cursor);
    const bytes = readVarint(packed, cursor);
    const step = readVarint(packed, cursor);
    const startMs = endMs + (step % 2 === 0 ? step / 2 : -(step + 1) / 2);
    const duration = readVarint(packed, cursor);
    const durationMs = Math.floor(duration / 2);
    fragments.push({ offset, bytes, startMs, durationMs, key: duration % 2 === 1 });
    endOffset = offset + bytes;
    endMs = startMs + durationMs;
  }
  return fragments;
}

/** Arithmetic in place of shifts: times exceed 32 bits. */
function writeVarint(bytes: number[], value: number): void {
  while (value >= 0x80) {
    bytes.push((value % 0x80) + 0x80);
    value = Math.floor(value / 0x80);
  }
  bytes.push(value);
}

function readVarint(packed: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let scale = 1; scale < 2 ** 53; scale *= 0x80) {
    const byte = packed[cursor.at++];
    if (byte === undefined) throw damaged();
    value += (byte % 0x80) * scale;
    if (byte < 0x80) return value;
  }
  throw damaged();
}

function damaged(): WatchpostError {
  return new WatchpostError('the fragment index of a segment is damaged — run "watchpost index rebuild"', {
    kind: 'data_loss',
    code: 'FRAGMENT_INDEX_DAMAGED',
  });
}
