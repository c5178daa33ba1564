import { BitReader } from '../bit-reader.ts';
import { malformed } from '../malformed.ts';
import { unescapeRbsp } from '../rbsp.ts';
import { h265NalType, h265NalTypeOf } from './nal-type.ts';
import { readH265Vui } from './vui.ts';

/** general_* of profile_tier_level (ITU-T H.265 §7.3.3). */
export interface H265Profile {
  /** general_profile_space 0…3 */
  readonly space: number;
  readonly highTier: boolean;
  readonly profile: number;
  /** general_profile_compatibility_flags, flag 0 in the most significant bit. */
  readonly compatibility: number;
  /** The six bytes after the compatibility flags: progressive, interlaced, … and reserved. */
  readonly constraints: Uint8Array;
  /** general_level_idc: 30 times the level. */
  readonly level: number;
}

/** What Watchpost needs of a sequence parameter set. */
export interface H265Sps extends H265Profile {
  readonly id: number;
  /** Pixels after the conformance window. */
  readonly width: number;
  readonly height: number;
  readonly fps?: number;
  /** 1 = 4:2:0, 2 = 4:2:2, 3 = 4:4:4, 0 = grey. */
  readonly chromaFormat: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  readonly temporalLayers: number;
  readonly temporalIdNested: boolean;
  /** sps_max_num_reorder_pics of the highest sub-layer. */
  readonly reorderFrames: number;
}

const maxSide = 32_768;

/** Parses an SPS NAL unit with its two header bytes (ITU-T H.265 §7.3.2.2). Throws `malformed`. What lies behind the picture size may be broken: then `fps` is missing. */
export function parseH265Sps(nal: Uint8Array): H265Sps {
  if (h265NalTypeOf(nal) !== h265NalType.sps) {
    throw malformed('H265_NOT_AN_SPS', 'This NAL unit is not an H.265 sequence parameter set.');
  }
  const reader = new BitReader(unescapeRbsp(nal), 2);
  reader.skip(4);
  const subLayers = reader.bits(3);
  if (subLayers > 6) throw malformed('H265_SPS_SUB_LAYERS', 'sps_max_sub_layers_minus1 must be at most 6.');
  const temporalIdNested = reader.flag();
  const profile = readProfile(reader, subLayers);
  const id = reader.ueAtMost(15, 'sps_seq_parameter_set_id');
  const size = readSize(reader);
  const bitDepthLuma = 8 + reader.ueAtMost(8, 'bit_depth_luma_minus8');
  const bitDepthChroma = 8 + reader.ueAtMost(8, 'bit_depth_chroma_minus8');
  const pocLsbBits = reader.ueAtMost(12, 'log2_max_pic_order_cnt_lsb_minus4') + 4;
  let reorderFrames = 0;
  for (let i = reader.flag() ? 0 : subLayers; i <= subLayers; i++) {
    reader.ue();
    reorderFrames = reader.ueAtMost(16, 'sps_max_num_reorder_pics');
    reader.ue();
  }
  const fps = readFps(reader, pocLsbBits);
  return {
    ...profile,
    id,
    width: size.width,
    height: size.height,
    ...(fps === undefined ? {} : { fps }),
    chromaFormat: size.chromaFormat,
    bitDepthLuma,
    bitDepthChroma,
    temporalLayers: subLayers + 1,
    temporalIdNested,
    reorderFrames,
  };
}

/** ITU-T H.265 §7.3.3 */
function readProfile(reader: BitReader, subLayers: number): H265Profile {
  const space = reader.bits(2);
  const highTier = reader.flag();
  const profile = reader.bits(5);
  const compatibility = reader.bits(32);
  const constraints = new Uint8Array(6);
  for (let i = 0; i < 6; i++) constraints[i] = reader.bits(8);
  const level = reader.bits(8);
  const present: number[] = [];
  for (let i = 0; i < subLayers; i++) present.push(reader.bits(2));
  if (subLayers > 0) reader.skip(2 * (8 - subLayers));
  for (const flags of present) reader.skip(((flags & 2) !== 0 ? 88 : 0) + ((flags & 1) !== 0 ? 8 : 0));
  return { space, highTier, profile, compatibility, constraints, level };
}

function readSize(reader: BitReader) {
  const chromaFormat = reader.ueAtMost(3, 'chroma_format_idc');
  const separatePlanes = chromaFormat === 3 && reader.flag();
  let width = reader.ueAtMost(maxSide, 'pic_width_in_luma_samples');
  let height = reader.ueAtMost(maxSide, 'pic_height_in_luma_samples');
  if (reader.flag()) {
    const subsampled = separatePlanes ? 0 : chromaFormat;
    width -= (reader.ue() + reader.ue()) * (subsampled === 1 || subsampled === 2 ? 2 : 1);
    height -= (reader.ue() + reader.ue()) * (subsampled === 1 ? 2 : 1);
  }
  if (width <= 0 || height <= 0) throw malformed('H265_SPS_SIZE', 'The SPS describes a picture without pixels.');
  return { width, height, chromaFormat };
}

function readFps(reader: BitReader, pocLsbBits: number): number | undefined {
  try {
    for (let i = 0; i < 6; i++) reader.ue();
    if (reader.flag() && reader.flag()) skipScalingLists(reader);
    reader.skip(2);
    if (reader.flag()) {
      reader.skip(8);
      reader.ue();
      reader.ue();
      reader.skip(1);
    }
    skipReferencePictureSets(reader);
    if (reader.flag()) {
      const count = reader.ueAtMost(32, 'num_long_term_ref_pics_sps');
      reader.skip(count * (pocLsbBits + 1));
    }
    reader.skip(2);
    return reader.flag() ? readH265Vui(reader) : undefined;
  } catch {
    return undefined;
  }
}

/** ITU-T H.265 §7.3.4 */
function skipScalingLists(reader: BitReader): void {
  for (let sizeId = 0; sizeId < 4; sizeId++) {
    for (let matrixId = 0; matrixId < 6; matrixId += sizeId === 3 ? 3 : 1) {
      if (!reader.flag()) {
        reader.ue();
        continue;
      }
      const count = Math.min(64, 1 << (4 + (sizeId << 1)));
      if (sizeId > 1) reader.se();
      for (let i = 0; i < count; i++) reader.se();
    }
  }
}

/** ITU-T H.265 §7.3.7; only the number of pictures of each set has to be remembered. */
function skipReferencePictureSets(reader: BitReader): void {
  const sets = reader.ueAtMost(64, 'num_short_term_ref_pic_sets');
  let pictures = 0;
  for (let index = 0; index < sets; index++) {
    if (index > 0 && reader.flag()) {
      reader.skip(1);
      reader.ue();
      let next = 0;
      for (let i = 0; i <= pictures; i++) {
        const usedByCurrent = reader.flag();
        if (usedByCurrent || reader.flag()) next++;
      }
      pictures = next;
      continue;
    }
    const negative = reader.ueAtMost(16, 'num_negative_pics');
    const positive = reader.ueAtMost(16, 'num_positive_pics');
    pictures = negative + positive;
    for (let i = 0; i < pictures; i++) {
      reader.ue();
      reader.skip(1);
    }
  }
}
