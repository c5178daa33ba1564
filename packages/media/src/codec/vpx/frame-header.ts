import { BitReader } from '../bit-reader.ts';
import { malformed } from '../malformed.ts';

/** What the header of a VP8 or VP9 frame says. */
export interface VpxFrame {
  readonly key: boolean;
  /** Pixels; 0 but in key frames. */
  readonly width: number;
  readonly height: number;
}

const notKey: VpxFrame = { key: false, width: 0, height: 0 };

/** Reads the header of a VP8 frame (RFC 6386 §9.1). Throws `malformed`. */
export function parseVp8Header(bytes: Uint8Array): VpxFrame {
  if (bytes.length < 1) throw malformed('VP8_HEADER', 'An empty VP8 frame.');
  if ((bytes[0]! & 1) === 1) return notKey;
  if (bytes.length < 10 || bytes[3] !== 0x9d || bytes[4] !== 0x01 || bytes[5] !== 0x2a) {
    throw malformed('VP8_HEADER', 'A VP8 key frame without its start code.');
  }
  const width = (bytes[6]! | (bytes[7]! << 8)) & 0x3fff;
  const height = (bytes[8]! | (bytes[9]! << 8)) & 0x3fff;
  return { key: true, width, height };
}

/** Reads the uncompressed header of a VP9 frame (VP9 Bitstream Specification §6.2). Throws `malformed`. */
export function parseVp9Header(bytes: Uint8Array): VpxFrame {
  const reader = new BitReader(bytes);
  if (reader.bits(2) !== 2) throw malformed('VP9_HEADER', 'No VP9 frame begins here.');
  const profile = reader.bits(1) + reader.bits(1) * 2;
  if (profile === 3) reader.skip(1);
  if (reader.flag() || reader.flag()) return notKey;
  reader.skip(2);
  if (reader.bits(24) !== 0x498342) throw malformed('VP9_HEADER', 'A VP9 key frame without its start code.');
  if (profile >= 2) reader.skip(1);
  const isRgb = reader.bits(3) === 7;
  if (!isRgb) reader.skip(1);
  if (profile === 1 || profile === 3) reader.skip(isRgb ? 1 : 3);
  return { key: true, width: reader.bits(16) + 1, height: reader.bits(16) + 1 };
}
