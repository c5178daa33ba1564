import { concatBytes } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { writeAvcC } from '../../codec/h264/decoder-config.ts';
import { writeHvcC } from '../../codec/h265/decoder-config.ts';
import type { Track } from '../../types.ts';
import { box, fullBox, u8, u16, u32 } from './boxes.ts';

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

/** Width and height of a picture track whose codec has no parameter sets. Throws `unavailable`: the first picture tells them. */
export function knownSize({ id, codec, width, height }: Track): { readonly width: number; readonly height: number } {
  if (width !== undefined && height !== undefined) return { width, height };
  throw new WatchpostError(`Track ${id} (${codec}) has no size yet; wait for a picture.`, {
    kind: 'unavailable',
    code: 'FMP4_NO_SIZE',
    context: { track: id, codec },
  });
}

/** objectTypeIndication of MPEG audio: 0x6B for MPEG-1, 0x69 for the half rates of MPEG-2 (mp4ra.org). Throws `unavailable`: the first frame tells the rate. */
export function mpegAudioObjectType({ id, codec, sampleRate }: Track): number {
  if (sampleRate !== undefined) return sampleRate < 32_000 ? 0x69 : 0x6b;
  throw new WatchpostError(`Track ${id} (${codec}) has no sample rate yet; wait for a frame.`, {
    kind: 'unavailable',
    code: 'FMP4_NO_SAMPLE_RATE',
    context: { track: id, codec },
  });
}

/** AVCConfigurationBox (ISO/IEC 14496-15 §5.3.3.1), four-byte lengths. */
export function writeAvcCBox(track: Track): Uint8Array {
  parameterSet(track, 1);
  return box('avcC', writeAvcC(parameterSet(track, 0), track.parameterSets.slice(1)));
}

/** AV1CodecConfigurationBox (AV1 in ISOBMFF §2.3): the track has the whole record. */
export function writeAv1CBox(track: Track): Uint8Array {
  return box('av1C', parameterSet(track, 0));
}

/** HEVCConfigurationBox (ISO/IEC 14496-15 §8.3.3.1), four-byte lengths, all parameter sets in the box (`hvc1`). */
export function writeHvcCBox(track: Track): Uint8Array {
  parameterSet(track, 2);
  return box('hvcC', writeHvcC(parameterSet(track, 0), parameterSet(track, 1), track.parameterSets.slice(2)));
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

/** FLACSpecificBox (FLAC in ISOBMFF §3.3.2): `parameterSets[0]` is a STREAMINFO block with its header, 38 bytes (RFC 9639 §8.2). */
export function writeDfLaBox(track: Track): Uint8Array {
  return fullBox('dfLa', 0, 0, parameterSet(track, 0));
}

/** OpusSpecificBox ("Encapsulation of Opus in ISO Base Media File Format" §4.3.2): no pre-skip, mapping family 0. */
export function writeDopsBox(channels: number): Uint8Array {
  return box('dOps', u8(0, channels), u16(0), u32(48_000), u16(0), u8(0));
}
