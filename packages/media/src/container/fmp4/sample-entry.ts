import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseAv1C } from '../../codec/av1/decoder-config.ts';
import { parseH264Sps } from '../../codec/h264/sps.ts';
import { parseH265Sps } from '../../codec/h265/sps.ts';
import type { Track } from '../../types.ts';
import { box, u8, u16, u32 } from './boxes.ts';
import {
  knownSize,
  mpegAudioObjectType,
  parameterSet,
  writeAv1CBox,
  writeAvcCBox,
  writeDfLaBox,
  writeDopsBox,
  writeEsdsBox,
  writeHvcCBox,
} from './codec-boxes.ts';

/** Pixels of a video track: what the track says, else its SPS. Throws `unavailable` or `malformed`. */
export function pictureSize(track: Track): { readonly width: number; readonly height: number } {
  if (track.width !== undefined && track.height !== undefined) return { width: track.width, height: track.height };
  if (track.codec === 'h264') return parseH264Sps(parameterSet(track, 0));
  if (track.codec === 'h265') return parseH265Sps(parameterSet(track, 1));
  if (track.codec === 'av1') return parseAv1C(parameterSet(track, 0));
  return knownSize(track);
}

/** VisualSampleEntry (ISO/IEC 14496-12 §12.1.3): 72 dpi, one picture per sample, 24 bits, no name. */
function visual(type: string, track: Track, config: Uint8Array): Uint8Array {
  const { width, height } = pictureSize(track);
  const tail = [u32(0x0048_0000, 0x0048_0000, 0), u16(1), new Uint8Array(32), u16(24, 0xffff)];
  return box(type, new Uint8Array(6), u16(1), new Uint8Array(16), u16(width, height), ...tail, config);
}

/** AudioSampleEntry (ISO/IEC 14496-12 §12.2.3); rates that do not fit into 16.16 are 0, the codec data have them. */
function audio(type: string, track: Track, ...config: readonly Uint8Array[]): Uint8Array {
  const rate = track.codec === 'opus' ? 48_000 : (track.sampleRate ?? track.clockRate);
  const fields = u16(track.channels ?? 1, 16, 0, 0);
  return box(type, new Uint8Array(6), u16(1), u32(0, 0), fields, u16(rate > 0xffff ? 0 : rate, 0), ...config);
}

const writers: Partial<Record<Track['codec'], (track: Track) => Uint8Array>> = {
  h264: (track) => visual('avc1', track, writeAvcCBox(track)),
  h265: (track) => visual('hvc1', track, writeHvcCBox(track)),
  av1: (track) => visual('av01', track, writeAv1CBox(track)),
  mjpeg: (track) => visual('mp4v', track, writeEsdsBox(0x6c, 4)),
  aac: (track) => audio('mp4a', track, writeEsdsBox(0x40, 5, parameterSet(track, 0))),
  mp3: (track) => audio('mp4a', track, writeEsdsBox(mpegAudioObjectType(track), 5)),
  flac: (track) => audio('fLaC', track, writeDfLaBox(track)),
  opus: (track) => audio('Opus', track, writeDopsBox(track.channels ?? 2)),
  pcma: (track) => audio('alaw', track),
  pcmu: (track) => audio('ulaw', track),
};

/** True for codecs that `writeInitSegment` has a sample entry for. */
export function isFmp4Codec(codec: Track['codec']): boolean {
  return writers[codec] !== undefined;
}

/** Sample entry (ISO/IEC 14496-12 §8.5.2.2) of this track. Throws `unsupported`, `unavailable` or `malformed`. */
export function writeSampleEntry(track: Track): Uint8Array {
  const write = writers[track.codec];
  if (write === undefined) {
    throw new WatchpostError(`MP4 cannot hold ${track.codec} here; leave track ${track.id} out.`, {
      kind: 'unsupported',
      code: 'FMP4_CODEC',
      context: { track: track.id, codec: track.codec },
    });
  }
  return write(track);
}

/** Sample description box with the one entry of this track. Throws as `writeSampleEntry` does. */
export function writeStsd(track: Track): Uint8Array {
  return box('stsd', u8(0, 0, 0, 0), u32(1), writeSampleEntry(track));
}
