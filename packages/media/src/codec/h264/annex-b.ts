/** Most NAL units that one access unit may hold. */
export const maxNalUnits = 512;

/** Index of the first 00 00 01 in `bytes` from `from` to `end`, or -1. A fourth byte 00 before it belongs to the start code (ITU-T H.264 annex B). */
export function findStartCode(bytes: Uint8Array, from: number, end: number): number {
  for (let i = from + 2; i < end; ) {
    const byte = bytes[i]!;
    if (byte > 1) i += 3;
    else if (byte === 0) i++;
    else if (bytes[i - 1] === 0 && bytes[i - 2] === 0) return i - 2;
    else i += 3;
  }
  return -1;
}

/** Bytes of the start code at `at`: 3, 4, or 0 where there is none. */
export function startCodeLength(bytes: Uint8Array, at: number, end: number): number {
  if (at + 3 > end || bytes[at] !== 0 || bytes[at + 1] !== 0) return 0;
  if (bytes[at + 2] === 1) return 3;
  return at + 4 <= end && bytes[at + 2] === 0 && bytes[at + 3] === 1 ? 4 : 0;
}

/**
 * The NAL units of a byte stream as views, without start codes and zeros behind them; what stands before the first
 * start code is a NAL unit too. Undefined if there are more than `maxUnits`.
 */
export function splitAnnexB(bytes: Uint8Array, maxUnits = maxNalUnits): Uint8Array[] | undefined {
  const units: Uint8Array[] = [];
  let from = 0;
  while (from < bytes.length) {
    const code = findStartCode(bytes, from, bytes.length);
    let end = code < 0 ? bytes.length : code;
    while (end > from && bytes[end - 1] === 0) end--;
    if (end > from) {
      if (units.length === maxUnits) return undefined;
      units.push(bytes.subarray(from, end));
    }
    if (code < 0) break;
    from = code + 3;
  }
  return units;
}

/** The NAL unit without a start code before it: some cameras put one into `sprop-parameter-sets`. */
export function stripStartCode(nal: Uint8Array): Uint8Array {
  const length = startCodeLength(nal, 0, nal.length);
  return length === 0 ? nal : nal.subarray(length);
}

/** The units as one byte stream with four-byte start codes. Copies. */
export function joinAnnexB(units: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const unit of units) length += 4 + unit.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const unit of units) {
    bytes[at + 3] = 1;
    bytes.set(unit, at + 4);
    at += 4 + unit.length;
  }
  return bytes;
}
