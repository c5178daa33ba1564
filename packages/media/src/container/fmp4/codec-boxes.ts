import { concatBytes } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseH264Sps } from '../../codec/h264/sps.ts';
import { parseH265Sps } from '../../codec/h265/sps.ts';
import type { Track } from '../../types.ts';
import { box, fullBox, u8, u16, u32 } from './boxes.ts';

const profilesWithChroma = new Set([100, 110, 122, 144]);

/** The parameter set at `index`. Throws `unavailable`: cameras may send them later, in band. */
export function parameterSet(track: Track, index: number): Uint8Array {
  const found = track.parameterSets[index];
  if (found === undefined || found.length === 0) {
    throw new WatchpostError(`Track ${track.id} (${track.codec}) has no parameter sets yet; wait for a key frame.`, {
      kind: 'unavailable',
      code: 'FMP4_NO_PARAMETER_SETS',
      context: { track: track.id, codec: track.codec },
    });
  }
  return found;
}

/** AVCConfigurationBox (ISO/IEC 14496-15 §5.3.3.1), four-byte lengths. */
export function writeAvcCBox(track: Track): Uint8Array {
  const sps = parameterSet(track, 0);
  const pps = parameterSet(track, 1);
  const { profile, constraints, level, chromaFormat, bitDepthLuma, bitDepthChroma } = parseH264Sps(sps);
  const parts = [u8(1, profile, constraints, level, 0xff, 0xe1), u16(sps.length), sps, u8(1), u16(pps.length), pps];
  if (profilesWithChroma.has(profile)) {
    parts.push(u8(0xfc | chromaFormat, 0xf8 | (bitDepthLuma - 8), 0xf8 | (bitDepthChroma - 8), 0));
  }
  return box('avcC', ...parts);
}

/** HEVCConfigurationBox (ISO/IEC 14496-15 §8.3.3.1), four-byte lengths, all parameter sets in the box (`hvc1`). */
export function writeHvcCBox(track: Track): Uint8Array {
  const sets = [parameterSet(track, 0), parameterSet(track, 1), parameterSet(track, 2)];
  const sps = parseH265Sps(sets[1]!);
  const profile = (sps.space << 6) | (sps.highTier ? 0x20 : 0) | sps.profile;
  const layers = Math.min(7, sps.temporalLayers);
  const head = [
    u8(1, profile),
    u32(sps.compatibility),
    sps.constraints,
    u8(sps.level),
    u16(0xf000),
    u8(0xfc, 0xfc | sps.chromaFormat, 0xf8 | (sps.bitDepthLuma - 8), 0xf8 | (sps.bitDepthChroma - 8)),
    u16(0),
    u8((layers << 3) | (sps.temporalIdNested ? 4 : 0) | 3, sets.length),
  ];
  const arrays = sets.map((nal, i) => concatBytes([u8(0x80 | (32 + i)), u16(1), u16(nal.length), nal]));
  return box('hvcC', ...head, ...arrays);
}

/** A descriptor (ISO/IEC 14496-1 §8.3.3) with a length of at most four bytes of 7 bits. */
function descriptor(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(parts);
  const { length } = body;
  const size = length < 128 ? [length] : [0x80 | (length >> 7), length & 127];
  return concatBytes([u8(tag, ...size), body]);
}

/** ESDBox (ISO/IEC 14496-14 §5.6); `streamType` 4 is visual, 5 audio (ISO/IEC 14496-1 table 6). */
export function writeEsdsBox(objectType: number, streamType: number, specificInfo?: Uint8Array): Uint8Array {
  const info = specificInfo === undefined ? [] : [descriptor(5, specificInfo)];
  const config = descriptor(4, u8(objectType, (streamType << 2) | 1, 0, 0, 0), u32(0, 0), ...info);
  return fullBox('esds', 0, 0, descriptor(3, u16(0), u8(0), config, descriptor(6, u8(2))));
}

/** FLACSpecificBox: one STREAMINFO block of 34 bytes, which is `parameterSets[0]` (RFC 9639 §8.2). */
export function writeDfLaBox(track: Track): Uint8Array {
  const streamInfo = parameterSet(track, 0);
  return fullBox('dfLa', 0, 0, u8(0x80, 0, 0, streamInfo.length), streamInfo);
}

/** OpusSpecificBox ("Encapsulation of Opus in ISO Base Media File Format" §4.3.2): no pre-skip, mapping family 0. */
export function writeDopsBox(channels: number): Uint8Array {
  return box('dOps', u8(0, channels), u16(0), u32(48_000), u16(0), u8(0));
}
