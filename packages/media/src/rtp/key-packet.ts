import type { CodecName } from '../types.ts';

const h264Idr = 5;
const h264Sps = 7;
const h264StapA = 24;
const h264FuA = 28;
const h265Irap = [16, 23] as const;
const h265ParameterSets = [32, 34] as const;
const h265Ap = 48;
const h265Fu = 49;
const av1New = 0x08;

/**
 * True where an RTP payload begins a picture that can be shown alone, or holds its parameter sets: H.264 (RFC 6184 §5.2)
 * and H.265 (RFC 7798 §4.4), by the first NAL unit and whether it is the first slice of its picture, and AV1 (RTP Payload Format For AV1 §4.4), by its N bit. Audio and MJPEG can begin anywhere.
 */
export function beginsKeyPicture(codec: CodecName, bytes: Uint8Array, at: number, end: number): boolean {
  if (codec === 'h264') return end - at >= 2 && h264Key(bytes, at, end);
  if (codec === 'h265') return end - at >= 3 && h265Key(bytes, at, end);
  if (codec === 'av1') return end > at && (bytes[at]! & av1New) !== 0;
  return true;
}

function h264Key(bytes: Uint8Array, at: number, end: number): boolean {
  let type = bytes[at]! & 31;
  let slice = at + 1;
  if (type === h264StapA) {
    if (at + 3 >= end) return false;
    type = bytes[at + 3]! & 31;
    slice = at + 4;
  } else if (type === h264FuA) {
    // Only the first fragment begins anything.
    if ((bytes[at + 1]! & 0x80) === 0) return false;
    type = bytes[at + 1]! & 31;
    slice = at + 2;
  }
  return type === h264Sps || (type === h264Idr && isFirstSlice(bytes, slice, end));
}

function h265Key(bytes: Uint8Array, at: number, end: number): boolean {
  let type = (bytes[at]! >> 1) & 63;
  let slice = at + 2;
  if (type === h265Ap) {
    if (at + 4 >= end) return false;
    type = (bytes[at + 4]! >> 1) & 63;
    slice = at + 6;
  } else if (type === h265Fu) {
    if ((bytes[at + 2]! & 0x80) === 0) return false;
    type = bytes[at + 2]! & 63;
    slice = at + 3;
  }
  if (type >= h265ParameterSets[0] && type <= h265ParameterSets[1]) return true;
  return type >= h265Irap[0] && type <= h265Irap[1] && isFirstSlice(bytes, slice, end);
}

/** H.264 first_mb_in_slice is 0, H.265 first_slice_segment_in_pic_flag is set: either is one bit that is 1. */
function isFirstSlice(bytes: Uint8Array, at: number, end: number): boolean {
  return at < end && (bytes[at]! & 0x80) !== 0;
}
