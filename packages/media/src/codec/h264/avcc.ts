import { readU32, writeU32 } from '@watchpost/base/bytes.ts';
import { malformed } from '../malformed.ts';
import { maxNalUnits } from './annex-b.ts';

/** NAL units with a length of four bytes before each, as in MP4 and FLV (ISO/IEC 14496-15 §5.3.3). Copies. */
export function joinAvcc(units: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const unit of units) length += 4 + unit.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const unit of units) {
    writeU32(bytes, at, unit.length);
    bytes.set(unit, at + 4);
    at += 4 + unit.length;
  }
  return bytes;
}

/** The NAL units behind lengths of `lengthBytes` (1, 2 or 4) bytes, as views. Throws `malformed` for lengths beyond the end or more than 512 units. */
export function splitAvcc(bytes: Uint8Array, lengthBytes = 4): Uint8Array[] {
  const units: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + lengthBytes > bytes.length) throw malformed('AVCC_LENGTH', 'A NAL unit length is cut off.', { at });
    const length = readLength(bytes, at, lengthBytes);
    at += lengthBytes;
    if (at + length > bytes.length) throw malformed('AVCC_LENGTH', 'A NAL unit goes beyond its sample.', { at });
    if (units.length >= maxNalUnits) throw malformed('AVCC_UNITS', `More than ${maxNalUnits} NAL units.`);
    if (length > 0) units.push(bytes.subarray(at, at + length));
    at += length;
  }
  return units;
}

function readLength(bytes: Uint8Array, at: number, lengthBytes: number): number {
  if (lengthBytes === 4) return readU32(bytes, at);
  let length = 0;
  for (let i = 0; i < lengthBytes; i++) length = (length << 8) | bytes[at + i]!;
  return length;
}
