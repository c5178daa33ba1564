import { concatBytes, readU32, readU64, writeU16, writeU32, writeU64 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** A box (ISO/IEC 14496-12 §4.2) by its place in the bytes that hold it. */
export interface Box {
  /** Four characters. */
  readonly type: string;
  /** First byte of the size field. */
  readonly start: number;
  /** First byte after size and type (and user type of `uuid`). */
  readonly body: number;
  /** Byte after the box; may lie behind the end of the bytes at hand. */
  readonly end: number;
}

/** Most boxes that one parent is read for. */
export const maxBoxes = 4096;

/** The error for a box that cannot be; `offset` is its place in the file. */
export function malformedBox(problem: string, offset: number): WatchpostError {
  return new WatchpostError(`MP4: ${problem} at byte ${offset}; the file is damaged from there on.`, {
    kind: 'malformed',
    code: 'FMP4_BOX',
    context: { offset },
  });
}

/** A box of these parts. Copies; for headers. */
export function box(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const head = new Uint8Array(8);
  const bytes = concatBytes([head, ...parts]);
  writeU32(bytes, 0, bytes.length);
  writeType(bytes, 4, type);
  return bytes;
}

/** A full box (§4.2): version and flags, then the parts. */
export function fullBox(type: string, version: number, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return box(type, u32(((version << 24) | flags) >>> 0), ...parts);
}

/** Four characters of a box type. */
export function writeType(bytes: Uint8Array, at: number, type: string): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = type.charCodeAt(i);
}

/** Box type at `at` as four characters. */
export function readType(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!);
}

/** 16-bit fields, big endian. */
export function u16(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 2);
  for (const [i, value] of values.entries()) writeU16(bytes, i * 2, value);
  return bytes;
}

/** 32-bit fields, big endian. */
export function u32(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  for (const [i, value] of values.entries()) writeU32(bytes, i * 4, value);
  return bytes;
}

/** 64-bit fields, big endian; safe integers ≥ 0. */
export function u64(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  for (const [i, value] of values.entries()) writeU64(bytes, i * 8, value);
  return bytes;
}

/** One byte each. */
export function u8(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

/**
 * Header of the box at `at`, whose bytes may still be missing; `undefined` while the header itself is incomplete.
 * `base` is the place of `bytes` in the file, for errors; size 0 ("to the end of the file") ends at `fileEnd`.
 */
export function readBoxHeader(bytes: Uint8Array, at: number, base = 0, fileEnd = bytes.length): Box | undefined {
  if (at + 8 > bytes.length) return undefined;
  const type = readType(bytes, at + 4);
  let size = readU32(bytes, at);
  let header = 8;
  if (size === 1) {
    if (at + 16 > bytes.length) return undefined;
    size = readU64(bytes, at + 8);
    header = 16;
  } else if (size === 0) size = fileEnd - at;
  if (type === 'uuid') header += 16;
  if (size < header || !Number.isSafeInteger(size)) throw malformedBox(`box '${type}' of ${size} bytes`, base + at);
  return { type, start: at, body: at + header, end: at + size };
}

/** The boxes from `from` to `end`, which all must be complete. Throws `malformed`. */
export function readBoxes(bytes: Uint8Array, from: number, end: number, base = 0): Box[] {
  const boxes: Box[] = [];
  for (let at = from; at < end; ) {
    const next = readBoxHeader(bytes, at, base, end);
    if (next === undefined || next.end > end) throw malformedBox('a box that leaves its parent', base + at);
    if (boxes.length >= maxBoxes) throw malformedBox(`more than ${maxBoxes} boxes in one`, base + at);
    boxes.push(next);
    at = next.end;
  }
  return boxes;
}

/** The first child of this type, or `undefined`. */
export function findBox(boxes: readonly Box[], type: string): Box | undefined {
  for (const one of boxes) if (one.type === type) return one;
  return undefined;
}
