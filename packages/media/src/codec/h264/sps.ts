import { BitReader } from '../bit-reader.ts';
import { malformed } from '../malformed.ts';
import { unescapeRbsp } from '../rbsp.ts';
import { h264NalType, h264NalTypeOf } from './nal-type.ts';

/** What Watchpost needs of a sequence parameter set. */
export interface H264Sps {
  readonly id: number;
  /** Pixels after cropping. */
  readonly width: number;
  readonly height: number;
  /** Frames per second of a fixed or nominal rate, from the VUI. */
  readonly fps?: number;
  /** profile_idc, constraint flags as one byte, level_idc: the three bytes of `avc1.PPCCLL`. */
  readonly profile: number;
  readonly constraints: number;
  readonly level: number;
  /** 1 = 4:2:0, 2 = 4:2:2, 3 = 4:4:4, 0 = grey. */
  readonly chromaFormat: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  /** False where pictures may be coded as fields. */
  readonly progressive: boolean;
  /** Frames that precede another in decoding order and follow it in output order; undefined where the stream does not say. */
  readonly reorderFrames?: number;
}

/** Profiles whose SPS says its chroma format (ITU-T H.264 §7.3.2.1.1). */
const profilesWithChroma = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** Profiles for which constraint_set3_flag means intra only, so that nothing is reordered (§E.2.1). */
const intraProfiles = new Set([44, 86, 100, 110, 122, 244]);
const maxSide = 32_768;

/** Parses an SPS NAL unit with its header byte (ITU-T H.264 §7.3.2.1.1). Throws `malformed`. A broken VUI is passed over: the picture size is known before it. */
export function parseH264Sps(nal: Uint8Array): H264Sps {
  if (h264NalTypeOf(nal) !== h264NalType.sps) {
    throw malformed('H264_NOT_AN_SPS', 'This NAL unit is not an H.264 sequence parameter set.');
  }
  const reader = new BitReader(unescapeRbsp(nal), 1);
  const profile = reader.bits(8);
  const constraints = reader.bits(8);
  const level = reader.bits(8);
  const id = reader.ueAtMost(31, 'seq_parameter_set_id');
  const chroma = readChroma(reader, profile);
  reader.ueAtMost(12, 'log2_max_frame_num_minus4');
  const pocType = readPictureOrder(reader);
  reader.ue();
  reader.skip(1);
  const size = readSize(reader, chroma.separatePlanes ? 0 : chroma.chromaFormat);
  const vui = readVui(reader);
  const reorderFrames = vui.reorderFrames ?? inferReorder(profile, constraints, pocType);
  return {
    id,
    width: size.width,
    height: size.height,
    ...(vui.fps === undefined ? {} : { fps: vui.fps }),
    profile,
    constraints,
    level,
    chromaFormat: chroma.chromaFormat,
    bitDepthLuma: chroma.bitDepthLuma,
    bitDepthChroma: chroma.bitDepthChroma,
    progressive: size.progressive,
    ...(reorderFrames === undefined ? {} : { reorderFrames }),
  };
}

function inferReorder(profile: number, constraints: number, pocType: number): number | undefined {
  if (profile === 66 || pocType === 2) return 0;
  if (intraProfiles.has(profile) && (constraints & 0x10) !== 0) return 0;
  return undefined;
}

interface Chroma {
  chromaFormat: number;
  separatePlanes: boolean;
  bitDepthLuma: number;
  bitDepthChroma: number;
}

function readChroma(reader: BitReader, profile: number): Chroma {
  const chroma = { chromaFormat: 1, separatePlanes: false, bitDepthLuma: 8, bitDepthChroma: 8 };
  if (!profilesWithChroma.has(profile)) return chroma;
  chroma.chromaFormat = reader.ueAtMost(3, 'chroma_format_idc');
  if (chroma.chromaFormat === 3) chroma.separatePlanes = reader.flag();
  chroma.bitDepthLuma = 8 + reader.ueAtMost(6, 'bit_depth_luma_minus8');
  chroma.bitDepthChroma = 8 + reader.ueAtMost(6, 'bit_depth_chroma_minus8');
  reader.skip(1);
  if (reader.flag()) {
    const lists = chroma.chromaFormat === 3 ? 12 : 8;
    for (let i = 0; i < lists; i++) if (reader.flag()) skipScalingList(reader, i < 6 ? 16 : 64);
  }
  return chroma;
}

/** ITU-T H.264 §7.3.2.1.1.1 */
function skipScalingList(reader: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i++) {
    if (next !== 0) next = (last + reader.se() + 256) & 255;
    if (next !== 0) last = next;
  }
}

function readPictureOrder(reader: BitReader): number {
  const type = reader.ueAtMost(2, 'pic_order_cnt_type');
  if (type === 0) reader.ueAtMost(12, 'log2_max_pic_order_cnt_lsb_minus4');
  if (type === 1) {
    reader.skip(1);
    reader.se();
    reader.se();
    const count = reader.ueAtMost(255, 'num_ref_frames_in_pic_order_cnt_cycle');
    for (let i = 0; i < count; i++) reader.se();
  }
  return type;
}

function readSize(reader: BitReader, chromaArrayType: number) {
  const widthInMbs = reader.ueAtMost(maxSide / 16 - 1, 'pic_width_in_mbs_minus1') + 1;
  const heightInMapUnits = reader.ueAtMost(maxSide / 16 - 1, 'pic_height_in_map_units_minus1') + 1;
  const progressive = reader.flag();
  if (!progressive) reader.skip(1);
  reader.skip(1);
  const fieldFactor = progressive ? 1 : 2;
  let width = widthInMbs * 16;
  let height = heightInMapUnits * 16 * fieldFactor;
  if (reader.flag()) {
    const unitX = chromaArrayType === 1 || chromaArrayType === 2 ? 2 : 1;
    const unitY = (chromaArrayType === 1 ? 2 : 1) * fieldFactor;
    width -= (reader.ue() + reader.ue()) * unitX;
    height -= (reader.ue() + reader.ue()) * unitY;
  }
  if (width <= 0 || height <= 0) throw malformed('H264_SPS_CROP', 'The SPS crops more than the whole picture.');
  return { width, height, progressive };
}

interface Vui {
  fps?: number;
  reorderFrames?: number;
}

/** ITU-T H.264 §E.1.1. Cameras that cut their VUI short exist: what was read until then counts. */
function readVui(reader: BitReader): Vui {
  const vui: Vui = {};
  try {
    if (!reader.flag()) return vui;
    if (reader.flag() && reader.bits(8) === 255) reader.skip(32);
    if (reader.flag()) reader.skip(1);
    if (reader.flag()) {
      reader.skip(4);
      if (reader.flag()) reader.skip(24);
    }
    if (reader.flag()) {
      reader.ue();
      reader.ue();
    }
    if (reader.flag()) readTiming(reader, vui);
    const nalHrd = reader.flag();
    if (nalHrd) skipHrd(reader);
    const vclHrd = reader.flag();
    if (vclHrd) skipHrd(reader);
    if (nalHrd || vclHrd) reader.skip(1);
    reader.skip(1);
    if (reader.flag()) {
      reader.skip(1);
      for (let i = 0; i < 4; i++) reader.ue();
      vui.reorderFrames = reader.ueAtMost(16, 'max_num_reorder_frames');
    }
  } catch {
    return vui;
  }
  return vui;
}

function readTiming(reader: BitReader, vui: Vui): void {
  const unitsInTick = reader.bits(32);
  const timeScale = reader.bits(32);
  reader.skip(1);
  if (unitsInTick > 0 && timeScale > 0) {
    const fps = timeScale / (2 * unitsInTick);
    // Some encoders leave placeholders such as 1/90000 here; nothing that a camera makes lies outside these bounds.
    if (fps >= 0.01 && fps <= 1000) vui.fps = fps;
  }
}

/** ITU-T H.264 §E.1.2 */
function skipHrd(reader: BitReader): void {
  const count = reader.ueAtMost(31, 'cpb_cnt_minus1') + 1;
  reader.skip(8);
  for (let i = 0; i < count; i++) {
    reader.ue();
    reader.ue();
    reader.skip(1);
  }
  reader.skip(20);
}
