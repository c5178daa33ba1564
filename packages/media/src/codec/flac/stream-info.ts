import { writeU16, writeU32 } from '@watchpost/base/bytes.ts';
import type { FlacFormat } from './flac-frame.ts';

/**
 * The metadata block STREAMINFO with its header of 4 bytes, marked as the last block: the content of a `dfLa` box after
 * version and flags (RFC 9639 §8.2; FLAC in ISOBMFF §3.3.2). Sizes, length and MD5 of the stream are unknown: zero.
 */
export function writeFlacStreamInfo(format: FlacFormat): Uint8Array {
  const bytes = new Uint8Array(38);
  bytes[0] = 0x80;
  bytes[3] = 34;
  writeU16(bytes, 4, format.blockSamples);
  writeU16(bytes, 6, format.blockSamples);
  // 20 bits rate, 3 bits channels - 1, 5 bits depth - 1, then 36 bits for the unknown length.
  writeU32(bytes, 14, format.sampleRate * 4096 + (format.channels - 1) * 512 + 15 * 16);
  return bytes;
}
