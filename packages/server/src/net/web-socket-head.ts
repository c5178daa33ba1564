import { writeU16, writeU32 } from '@watchpost/base/bytes.ts';

/** Most bytes that stand before the payload of a message from a server. */
export const maxHeadBytes = 10;

/**
 * Writes the head of an unmasked, final binary message of `length` bytes so that it ends at `end` (RFC 6455 §5.2);
 * returns where it begins, at most `maxHeadBytes` before.
 */
export function writeMessageHead(bytes: Uint8Array, end: number, length: number): number {
  if (length < 126) {
    bytes[end - 2] = 0x82;
    bytes[end - 1] = length;
    return end - 2;
  }
  if (length < 65_536) {
    bytes[end - 4] = 0x82;
    bytes[end - 3] = 126;
    writeU16(bytes, end - 2, length);
    return end - 4;
  }
  bytes[end - 10] = 0x82;
  bytes[end - 9] = 127;
  writeU32(bytes, end - 8, Math.floor(length / 0x1_0000_0000));
  writeU32(bytes, end - 4, length);
  return end - 10;
}
