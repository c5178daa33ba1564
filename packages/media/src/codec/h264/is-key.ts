import { h264NalType, h264NalTypeOf } from './nal-type.ts';

/** True if the units of one picture hold an IDR slice: decoding can start here (ITU-T H.264 §7.4.1.2.4). */
export function isH264Key(units: readonly Uint8Array[]): boolean {
  for (const unit of units) if (h264NalTypeOf(unit) === h264NalType.idr) return true;
  return false;
}

/**
 * True if an SEI NAL unit holds a recovery point message (payload type 6, ITU-T H.264 §D.2.8). Cameras with open GOPs
 * or gradual refresh send these instead of IDR pictures. Malformed SEI is simply not one.
 */
export function hasRecoveryPoint(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start + 1;
  while (at + 2 <= end && bytes[at] !== 0x80) {
    let type = 0;
    while (at < end && bytes[at] === 0xff) {
      type += 255;
      at++;
    }
    type += bytes[at++] ?? 0;
    let size = 0;
    while (at < end && bytes[at] === 0xff) {
      size += 255;
      at++;
    }
    size += bytes[at++] ?? 0;
    if (type === 6) return at < end;
    at += size;
  }
  return false;
}
