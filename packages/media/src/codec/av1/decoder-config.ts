import { malformed } from '../malformed.ts';
import { leb128Bytes, obuType, splitObus, writeLeb128 } from './obu.ts';
import { type Av1Sequence, parseAv1Sequence } from './sequence-header.ts';

/** Bytes of a record before its units, of which the first is the sequence header (AV1 in ISOBMFF §2.3.3). */
export const av1CHeadBytes = 4;

/** AV1CodecConfigurationRecord (AV1 in ISOBMFF §2.3.3) of the body of a sequence header unit. Throws `malformed`. */
export function writeAv1C(body: Uint8Array): Uint8Array {
  const sequence = parseAv1Sequence(body);
  const bytes = new Uint8Array(av1CHeadBytes + 1 + leb128Bytes(body.length) + body.length);
  bytes[0] = 0x81;
  bytes[1] = (sequence.profile << 5) | sequence.level;
  bytes[2] =
    (sequence.tier << 7) |
    (sequence.bitDepth > 8 ? 0x40 : 0) |
    (sequence.bitDepth > 10 ? 0x20 : 0) |
    (sequence.monochrome ? 0x10 : 0) |
    (sequence.subsamplingX << 3) |
    (sequence.subsamplingY << 2) |
    sequence.chromaSamplePosition;
  bytes[av1CHeadBytes] = (obuType.sequenceHeader << 3) | 2;
  bytes.set(body, writeLeb128(bytes, av1CHeadBytes + 1, body.length));
  return bytes;
}

/** The body of the sequence header in a record; undefined where it has none. Throws `malformed`. */
export function sequenceHeaderOf(av1C: Uint8Array): Uint8Array | undefined {
  if (av1C.length < av1CHeadBytes || av1C[0] !== 0x81)
    throw malformed('AV1_RECORD', 'No AV1 configuration of version 1.');
  const units = av1C.subarray(av1CHeadBytes);
  const found = splitObus(units).find(({ type }) => type === obuType.sequenceHeader);
  return found === undefined ? undefined : units.subarray(found.body, found.end);
}

/** What a record says of the pictures. Throws `malformed`, where it has no sequence header too. */
export function parseAv1C(av1C: Uint8Array): Av1Sequence {
  const body = sequenceHeaderOf(av1C);
  if (body === undefined) throw malformed('AV1_RECORD', 'An AV1 configuration without a sequence header.');
  return parseAv1Sequence(body);
}

/** `codecs` parameter (AV1 in ISOBMFF §5): `av01.0.04M.08`. Throws `malformed`. */
export function av1CodecString(av1C: Uint8Array): string {
  const [, second, third] = av1C;
  if (second === undefined || third === undefined)
    throw malformed('AV1_RECORD', 'An AV1 configuration that is cut off.');
  const bitDepth = (third & 0x40) === 0 ? '08' : (third & 0x20) === 0 ? '10' : '12';
  return `av01.${second >> 5}.${String(second & 31).padStart(2, '0')}${third > 127 ? 'H' : 'M'}.${bitDepth}`;
}
