/** nal_unit_type values of H.265 (ITU-T H.265 table 7-1) and of its RTP payload (RFC 7798 §4.4). */
export const h265NalType = {
  blaWLp: 16,
  idrWRadl: 19,
  idrNLp: 20,
  cra: 21,
  vps: 32,
  sps: 33,
  pps: 34,
  accessUnitDelimiter: 35,
  endOfSequence: 36,
  endOfBitstream: 37,
  filler: 38,
  prefixSei: 39,
  suffixSei: 40,
  aggregation: 48,
  fragmentation: 49,
  paci: 50,
} as const;

/** nal_unit_type of a NAL unit; 63 (unspecified) for one shorter than its header. */
export function h265NalTypeOf(nal: Uint8Array): number {
  return nal.length < 2 ? 63 : (nal[0]! >> 1) & 63;
}

/** True for the types that do not belong in `Sample.units`: parameter sets, access unit delimiter, filler. */
export function isH265Stripped(type: number): boolean {
  return (type >= 32 && type <= 35) || type === 38;
}

/** True for coded slice segments (VCL NAL units). */
export function isH265Vcl(type: number): boolean {
  return type < 32;
}
