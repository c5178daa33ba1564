import { malformed } from '../malformed.ts';
import { h265NalType } from './nal-type.ts';
import type { H265Profile } from './sps.ts';
import { parseH265Sps } from './sps.ts';

/** What an HEVCDecoderConfigurationRecord holds. */
export interface H265DecoderConfig {
  /** Bytes of the length before each NAL unit: 1, 2 or 4. */
  readonly lengthBytes: number;
  readonly vps: readonly Uint8Array[];
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/** Writes the content of an `hvcC` box (ISO/IEC 14496-15 §8.3.3.1) for four-byte lengths; all sets are in it, none in the samples. Throws `malformed` if the SPS cannot be read. */
export function writeHvcC(vps: Uint8Array, sps: Uint8Array, pps: Uint8Array | readonly Uint8Array[]): Uint8Array {
  const info = parseH265Sps(sps);
  const { compatibility } = info;
  const bytes: number[] = [1, (info.space << 6) | (info.highTier ? 0x20 : 0) | info.profile];
  bytes.push(compatibility >>> 24, (compatibility >> 16) & 255, (compatibility >> 8) & 255, compatibility & 255);
  bytes.push(...info.constraints, info.level);
  // min_spatial_segmentation 0 and parallelismType 0 (unknown), then chroma, depths, avgFrameRate 0 (unspecified).
  bytes.push(0xf0, 0, 0xfc, 0xfc | info.chromaFormat, 0xf8 | (info.bitDepthLuma - 8), 0xf8 | (info.bitDepthChroma - 8));
  bytes.push(0, 0, (info.temporalLayers << 3) | (info.temporalIdNested ? 4 : 0) | 3, 3);
  pushArray(bytes, h265NalType.vps, [vps]);
  pushArray(bytes, h265NalType.sps, [sps]);
  pushArray(bytes, h265NalType.pps, pps instanceof Uint8Array ? [pps] : pps);
  return Uint8Array.from(bytes);
}

/** Parses the content of an `hvcC` box; the sets are views. Throws `malformed`. */
export function parseHvcC(bytes: Uint8Array): H265DecoderConfig {
  if (bytes.length < 23) throw malformed('HVCC_RECORD', 'This is not an hvcC record.');
  const sets: Record<number, Uint8Array[]> = {};
  let at = 23;
  for (let arrays = bytes[22]!; arrays > 0; arrays--) {
    if (at + 3 > bytes.length) throw malformed('HVCC_RECORD', 'An hvcC record is cut off.');
    const type = bytes[at]! & 63;
    const count = (bytes[at + 1]! << 8) | bytes[at + 2]!;
    at += 3;
    for (let i = 0; i < count; i++) {
      const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      if (at + 2 + length > bytes.length) throw malformed('HVCC_RECORD', 'A parameter set goes beyond its record.');
      sets[type] ??= [];
      sets[type].push(bytes.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return {
    lengthBytes: (bytes[21]! & 3) + 1,
    vps: sets[h265NalType.vps] ?? [],
    sps: sets[h265NalType.sps] ?? [],
    pps: sets[h265NalType.pps] ?? [],
  };
}

/** The codec string of ISO/IEC 14496-15 annex E, for example `hvc1.1.6.L93.B0`. */
export function h265CodecString(profile: H265Profile): string {
  const space = ['', 'A', 'B', 'C'][profile.space]!;
  let reversed = 0;
  for (let i = 0; i < 32; i++) if ((profile.compatibility & (1 << i)) !== 0) reversed |= 1 << (31 - i);
  const constraints = [...profile.constraints];
  while (constraints.at(-1) === 0) constraints.pop();
  const parts = constraints.map((byte) => `.${byte.toString(16).toUpperCase()}`).join('');
  const flags = (reversed >>> 0).toString(16).toUpperCase();
  return `hvc1.${space}${profile.profile}.${flags}.${profile.highTier ? 'H' : 'L'}${profile.level}${parts}`;
}

function pushArray(bytes: number[], type: number, sets: readonly Uint8Array[]): void {
  bytes.push(0x80 | type, sets.length >> 8, sets.length & 255);
  for (const set of sets) {
    if (set.length > 65_535) throw malformed('HVCC_RECORD', 'A parameter set does not fit an hvcC record.');
    bytes.push(set.length >> 8, set.length & 255, ...set);
  }
}
