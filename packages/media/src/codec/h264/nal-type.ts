/** nal_unit_type values of H.264 (ITU-T H.264 table 7-1) and of its RTP payload (RFC 6184 §5.2). */
export const h264NalType = {
  slice: 1,
  partitionA: 2,
  idr: 5,
  sei: 6,
  sps: 7,
  pps: 8,
  accessUnitDelimiter: 9,
  endOfSequence: 10,
  endOfStream: 11,
  filler: 12,
  stapA: 24,
  stapB: 25,
  mtap16: 26,
  mtap24: 27,
  fuA: 28,
  fuB: 29,
} as const;

/** nal_unit_type of a NAL unit; 0 (unspecified) for an empty one. */
export function h264NalTypeOf(nal: Uint8Array): number {
  return nal.length === 0 ? 0 : nal[0]! & 31;
}

/** True for the types that do not belong in `Sample.units`: parameter sets, access unit delimiter, filler. */
export function isH264Stripped(type: number): boolean {
  return (type >= 7 && type <= 9) || type === 12;
}

/** True for coded slices and their partitions (VCL NAL units). */
export function isH264Vcl(type: number): boolean {
  return type >= 1 && type <= 5;
}
