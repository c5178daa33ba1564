import { toHex } from '@watchpost/base/bytes.ts';
import { malformed } from '../malformed.ts';
import { parseH264Sps } from './sps.ts';

/** What an AVCDecoderConfigurationRecord holds. */
export interface H264DecoderConfig {
  /** Bytes of the length before each NAL unit: 1, 2 or 4. */
  readonly lengthBytes: number;
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/** Profiles whose record has chroma format and bit depths at its end. */
const highProfiles = new Set([100, 110, 122, 144, 244]);

/** Writes the content of an `avcC` box (ISO/IEC 14496-15 §5.3.3.1) for four-byte lengths. Throws `malformed` if the SPS cannot be read. */
export function writeAvcC(sps: Uint8Array, pps: Uint8Array | readonly Uint8Array[]): Uint8Array {
  const pictureSets = pps instanceof Uint8Array ? [pps] : pps;
  const info = parseH264Sps(sps);
  const bytes: number[] = [1, sps[1]!, sps[2]!, sps[3]!, 0xff, 0xe1];
  pushSet(bytes, sps);
  bytes.push(Math.min(pictureSets.length, 255));
  for (const set of pictureSets.slice(0, 255)) pushSet(bytes, set);
  if (highProfiles.has(info.profile)) {
    bytes.push(0xfc | info.chromaFormat, 0xf8 | (info.bitDepthLuma - 8), 0xf8 | (info.bitDepthChroma - 8), 0);
  }
  return Uint8Array.from(bytes);
}

/** Parses the content of an `avcC` box; the sets are views. Throws `malformed`. */
export function parseAvcC(bytes: Uint8Array): H264DecoderConfig {
  if (bytes.length < 7 || bytes[0] !== 1) throw malformed('AVCC_RECORD', 'This is not an avcC record.');
  const sps: Uint8Array[] = [];
  const pps: Uint8Array[] = [];
  const at = readSets(bytes, 6, { count: bytes[5]! & 31, sets: sps });
  if (at >= bytes.length) throw malformed('AVCC_RECORD', 'An avcC record ends before its PPS.');
  readSets(bytes, at + 1, { count: bytes[at]!, sets: pps });
  return { lengthBytes: (bytes[4]! & 3) + 1, sps, pps };
}

/** The codec string of RFC 6381 §3.3, `avc1.PPCCLL`: profile, constraints and level of the SPS. Throws `malformed` for less than four bytes. */
export function h264CodecString(sps: Uint8Array): string {
  if (sps.length < 4) throw malformed('H264_NOT_AN_SPS', 'This SPS is shorter than its profile and level.');
  return `avc1.${toHex(sps.subarray(1, 4)).toUpperCase()}`;
}

function pushSet(bytes: number[], set: Uint8Array): void {
  if (set.length > 65_535) throw malformed('AVCC_RECORD', 'A parameter set does not fit an avcC record.');
  bytes.push(set.length >> 8, set.length & 255, ...set);
}

function readSets(bytes: Uint8Array, at: number, into: { count: number; sets: Uint8Array[] }): number {
  for (let i = 0; i < into.count; i++) {
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (at + 2 + length > bytes.length) throw malformed('AVCC_RECORD', 'A parameter set goes beyond its record.');
    into.sets.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return at;
}
