import { malformed } from '../malformed.ts';

/** obu_type (AV1 Bitstream Specification §6.2.2). */
export const obuType = {
  sequenceHeader: 1,
  temporalDelimiter: 2,
  frameHeader: 3,
  frame: 6,
  tileList: 8,
  padding: 15,
} as const;

/** An open bitstream unit by its place in the bytes that hold it (§5.3). */
export interface Obu {
  readonly type: number;
  /** First byte of its header. */
  readonly start: number;
  /** 1, or 2 with an extension. */
  readonly headerBytes: number;
  /** First byte after header and size. */
  readonly body: number;
  /** Byte after it. */
  readonly end: number;
}

const maxSizeBytes = 8;
const maxObus = 4096;

/** Bytes that `writeLeb128` takes. */
export function leb128Bytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Writes a number in groups of seven bits (§4.10.5); returns the place after it. */
export function writeLeb128(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128;
  bytes[at] = rest;
  return at + 1;
}

/** A number in groups of seven bits, and the place after it. Throws `malformed` beyond 2^32-1, and where it is cut off. */
export function readLeb128(
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let i = 0; i < maxSizeBytes && at + i < end; i++) {
    const byte = bytes[at + i]!;
    value += (byte & 127) * 2 ** (7 * i);
    if (value > 0xffff_ffff) break;
    if (byte < 128) return { value, next: at + i + 1 };
  }
  throw malformed('AV1_SIZE', 'A size of AV1 data that is cut off or too large.');
}

/** The unit that begins at `at`; one without a size goes to `end`. Throws `malformed`. */
export function readObu(bytes: Uint8Array, at: number, end: number): Obu {
  const head = bytes[at] ?? 0x80;
  const headerBytes = (head & 4) === 0 ? 1 : 2;
  if (at + headerBytes > end || head > 127) throw malformed('AV1_OBU', 'No AV1 unit begins here.', { at });
  const type = (head >> 3) & 15;
  if ((head & 2) === 0) return { type, start: at, headerBytes, body: at + headerBytes, end };
  const { value, next } = readLeb128(bytes, at + headerBytes, end);
  if (next + value > end) throw malformed('AV1_OBU', 'An AV1 unit leaves its picture.', { at });
  return { type, start: at, headerBytes, body: next, end: next + value };
}

/** The units of a temporal unit (§7.5). Throws `malformed`. */
export function splitObus(bytes: Uint8Array): Obu[] {
  const obus: Obu[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (obus.length >= maxObus) throw malformed('AV1_OBU', `A picture of more than ${maxObus} AV1 units.`);
    const obu = readObu(bytes, at, bytes.length);
    obus.push(obu);
    at = obu.end;
  }
  return obus;
}
