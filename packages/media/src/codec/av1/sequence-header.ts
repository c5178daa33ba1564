import { BitReader } from '../bit-reader.ts';
import { malformed } from '../malformed.ts';

/** What a sequence header says (AV1 Bitstream Specification §5.5). */
export interface Av1Sequence {
  readonly profile: number;
  /** seq_level_idx of the first operating point, 0…31. */
  readonly level: number;
  /** seq_tier of the first operating point: 0 main, 1 high. */
  readonly tier: number;
  readonly width: number;
  readonly height: number;
  /** 8, 10 or 12. */
  readonly bitDepth: number;
  readonly monochrome: boolean;
  readonly subsamplingX: number;
  readonly subsamplingY: number;
  readonly chromaSamplePosition: number;
  /** Every frame is a key frame that is shown, and its header does not say so. */
  readonly isReducedStill: boolean;
}

/** Parses the body of a sequence header unit. Throws `malformed`. */
export function parseAv1Sequence(body: Uint8Array): Av1Sequence {
  const reader = new BitReader(body);
  const profile = reader.bits(3);
  if (profile > 2) throw malformed('AV1_PROFILE', `AV1 profile ${profile} is reserved.`);
  reader.skip(1);
  const isReducedStill = reader.flag();
  const { level, tier } = isReducedStill ? { level: reader.bits(5), tier: 0 } : readOperatingPoints(reader);
  const widthBits = reader.bits(4) + 1;
  const heightBits = reader.bits(4) + 1;
  const width = reader.bits(widthBits) + 1;
  const height = reader.bits(heightBits) + 1;
  if (!isReducedStill && reader.flag()) reader.skip(7);
  // 128 × 128 superblocks, filters inside of pictures.
  reader.skip(3);
  if (!isReducedStill) skipTools(reader);
  // Super resolution, directional enhancement, restoration.
  reader.skip(3);
  return { profile, level, tier, width, height, isReducedStill, ...readColors(reader, profile) };
}

function readOperatingPoints(reader: BitReader): { level: number; tier: number } {
  let delayBits = 0;
  if (reader.flag()) {
    reader.skip(64);
    if (reader.flag()) skipUvlc(reader);
    if (reader.flag()) {
      delayBits = reader.bits(5) + 1;
      reader.skip(42);
    }
  }
  const hasDisplayDelay = reader.flag();
  const count = reader.bits(5) + 1;
  let first = { level: 0, tier: 0 };
  for (let i = 0; i < count; i++) {
    reader.skip(12);
    const level = reader.bits(5);
    const tier = level > 7 ? reader.bits(1) : 0;
    if (delayBits > 0 && reader.flag()) reader.skip(2 * delayBits + 1);
    if (hasDisplayDelay && reader.flag()) reader.skip(4);
    if (i === 0) first = { level, tier };
  }
  return first;
}

/** uvlc() (§4.10.3). */
function skipUvlc(reader: BitReader): void {
  let zeros = 0;
  while (!reader.flag()) zeros++;
  if (zeros < 32) reader.skip(zeros);
}

function skipTools(reader: BitReader): void {
  reader.skip(4);
  const hasOrderHint = reader.flag();
  if (hasOrderHint) reader.skip(2);
  const mayForceContentTools = reader.flag() || reader.flag();
  if (mayForceContentTools && !reader.flag()) reader.skip(1);
  if (hasOrderHint) reader.skip(3);
}

/** color_config() (§5.5.2). */
function readColors(reader: BitReader, profile: number) {
  const isHigh = reader.flag();
  const bitDepth = isHigh ? (profile === 2 && reader.flag() ? 12 : 10) : 8;
  const monochrome = profile !== 1 && reader.flag();
  let kind = 0;
  if (reader.flag()) kind = reader.bits(24);
  if (monochrome) return { bitDepth, monochrome, subsamplingX: 1, subsamplingY: 1, chromaSamplePosition: 0 };
  // BT.709 primaries, sRGB transfer, identity matrix: RGB.
  if (kind === 0x010d00) return { bitDepth, monochrome, subsamplingX: 0, subsamplingY: 0, chromaSamplePosition: 0 };
  reader.skip(1);
  let [subsamplingX, subsamplingY] = profile === 0 ? [1, 1] : profile === 1 ? [0, 0] : [1, 0];
  if (profile === 2 && bitDepth === 12) {
    subsamplingX = reader.bits(1);
    subsamplingY = subsamplingX === 1 ? reader.bits(1) : 0;
  }
  const chromaSamplePosition = subsamplingX === 1 && subsamplingY === 1 ? reader.bits(2) : 0;
  return { bitDepth, monochrome, subsamplingX, subsamplingY, chromaSamplePosition };
}
