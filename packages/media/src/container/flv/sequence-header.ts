import { concatBytes, writeU32 } from '@watchpost/base/bytes.ts';
import { writeAvcC } from '../../codec/h264/decoder-config.ts';
import { writeHvcC } from '../../codec/h265/decoder-config.ts';
import type { Track } from '../../types.ts';
import { fourCcOf, packetType, soundFormat, soundRates, videoId } from './codes.ts';

/** How H.265 is told: by FourCC (enhanced RTMP) or by the old codec id 12. */
export type FlvH265 = 'fourcc' | 'id12';

/** What stands at the begin of each tag body of one track. */
export interface TagLead {
  /** Before composition time and frame; its first byte is that of a frame that is no key frame. */
  readonly bytes: Uint8Array;
  /** SI24 after it. */
  readonly hasComposition: boolean;
  /** First byte where the frame is a key frame. */
  readonly keyByte: number;
}

const keyFrame = 1 << 4;
const interFrame = 2 << 4;
const isExVideo = 0x80;

/** The lead of a track's frames (Adobe FLV v10.1 §E.4.2, §E.4.3; enhanced RTMP v2). The codec is one that FLV carries. */
export function tagLead(track: Track, h265: FlvH265): TagLead {
  const { codec } = track;
  if (track.kind === 'video') {
    const id = codec === 'h264' ? videoId.h264 : codec === 'h265' && h265 === 'id12' ? videoId.h265 : undefined;
    if (id !== undefined) {
      const bytes = Uint8Array.of(interFrame | id, packetType.codedFrames);
      return { bytes, hasComposition: true, keyByte: keyFrame | id };
    }
    const bytes = withFourCc(isExVideo | interFrame | packetType.codedFrames, codec);
    return { bytes, hasComposition: codec === 'h265', keyByte: isExVideo | keyFrame | packetType.codedFrames };
  }
  const bytes = soundLead(track);
  return { bytes, hasComposition: false, keyByte: bytes[0]! };
}

function soundLead(track: Track): Uint8Array {
  const stereo = (track.channels ?? 1) > 1 ? 1 : 0;
  switch (track.codec) {
    case 'aac':
      // §E.4.2.1: for AAC always 44 kHz, 16 bits, stereo; the AudioSpecificConfig tells what is so.
      return Uint8Array.of((soundFormat.aac << 4) | 15, packetType.codedFrames);
    case 'pcma':
    case 'pcmu':
      return Uint8Array.of((soundFormat[track.codec] << 4) | 2 | stereo);
    case 'mp3': {
      const format = oldMp3Format(track);
      if (format === undefined) return withFourCc((soundFormat.enhanced << 4) | packetType.codedFrames, 'mp3');
      const rate = soundRates.indexOf(track.sampleRate ?? track.clockRate);
      return Uint8Array.of((format << 4) | (Math.max(rate, 0) << 2) | 2 | stereo);
    }
    default:
      return withFourCc((soundFormat.enhanced << 4) | packetType.codedFrames, track.codec);
  }
}

/** SoundFormat of MP3 (§E.4.2.1); undefined at a rate that only its FourCC can have. */
export function oldMp3Format(track: Track): number | undefined {
  const sampleRate = track.sampleRate ?? track.clockRate;
  if (sampleRate === 8000) return soundFormat.mp3At8k;
  return soundRates.includes(sampleRate) ? soundFormat.mp3 : undefined;
}

function withFourCc(first: number, codec: Track['codec']): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = first;
  writeU32(bytes, 1, fourCcOf[codec]!);
  return bytes;
}

/** Body of the tag that must come before the first frame of a track; undefined where the codec has none. Throws `malformed` for parameter sets that cannot be read. */
export function sequenceHeader(track: Track, h265: FlvH265): Uint8Array | undefined {
  const sets = track.parameterSets;
  switch (track.codec) {
    case 'h264':
      return concatBytes([
        Uint8Array.of(keyFrame | videoId.h264, packetType.sequenceStart, 0, 0, 0),
        writeAvcC(sets[0]!, sets.slice(1)),
      ]);
    case 'h265': {
      const head =
        h265 === 'id12'
          ? Uint8Array.of(keyFrame | videoId.h265, packetType.sequenceStart, 0, 0, 0)
          : withFourCc(isExVideo | keyFrame | packetType.sequenceStart, 'h265');
      return concatBytes([head, writeHvcC(sets[0]!, sets[1]!, sets.slice(2))]);
    }
    case 'av1':
    case 'vp8':
    case 'vp9':
      if (sets[0] === undefined) return undefined;
      return concatBytes([withFourCc(isExVideo | keyFrame | packetType.sequenceStart, track.codec), sets[0]]);
    case 'aac':
      return concatBytes([Uint8Array.of((soundFormat.aac << 4) | 15, packetType.sequenceStart), sets[0]!]);
    case 'opus':
      return concatBytes([withFourCc((soundFormat.enhanced << 4) | packetType.sequenceStart, 'opus'), opusHead(track)]);
    case 'flac': {
      const start = withFourCc((soundFormat.enhanced << 4) | packetType.sequenceStart, 'flac');
      return concatBytes([start, start.subarray(1), sets[0]!]);
    }
    default:
      return undefined;
  }
}

/** Identification header (RFC 7845 §5.1): no pre-skip, no gain, mapping family 0. */
function opusHead(track: Track): Uint8Array {
  const bytes = new Uint8Array(19);
  bytes.set(new TextEncoder().encode('OpusHead'));
  bytes[8] = 1;
  bytes[9] = track.channels ?? 2;
  // Input sample rate 48 000, little endian.
  bytes[12] = 0x80;
  bytes[13] = 0xbb;
  return bytes;
}
