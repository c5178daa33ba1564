import { writeU32 } from '@watchpost/base/bytes.ts';

const headBytes = 32;
const frameHeadBytes = 12;

/**
 * An IVF file of AV1, VP8 or VP9, as decoders read it from a pipe: `bytes` holds the pictures one after the other, `ends`
 * tells where each of them ends. Their times are their numbers; their size is left to the decoder.
 */
export function writeIvf(codec: 'av1' | 'vp8' | 'vp9', bytes: Uint8Array, ends: readonly number[]): Uint8Array {
  const file = new Uint8Array(headBytes + ends.length * frameHeadBytes + bytes.length);
  const view = new DataView(file.buffer);
  writeU32(file, 0, 0x444b_4946);
  view.setUint16(6, headBytes, true);
  writeU32(file, 8, fourCcs[codec]);
  view.setUint32(16, 25, true);
  view.setUint32(20, 1, true);
  view.setUint32(24, ends.length, true);
  let at = headBytes;
  let start = 0;
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i]!;
    view.setUint32(at, end - start, true);
    view.setUint32(at + 4, i, true);
    file.set(bytes.subarray(start, end), at + frameHeadBytes);
    at += frameHeadBytes + end - start;
    start = end;
  }
  return file;
}

/** "AV01", "VP80", "VP90". */
const fourCcs = { av1: 0x4156_3031, vp8: 0x5650_3830, vp9: 0x5650_3930 } as const;
