import { malformed } from '../malformed.ts';

/** Header of a frame of MPEG audio, layer I, II or III (ISO/IEC 11172-3 §2.4.1.3, ISO/IEC 13818-3 §2.4.2.3). */
export interface MpegAudioHeader {
  /** 1, 2 or 3. */
  readonly layer: number;
  readonly sampleRate: number;
  readonly channels: number;
  /** Bytes of the frame, header included. */
  readonly frameBytes: number;
  /** Decoded samples for each channel. */
  readonly frameSamples: number;
}

/** kbit/s by bitrate_index, 1…14. */
const bitrates = {
  v1: [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  ],
  v2: [
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  ],
} as const;
const sampleRates = [44_100, 48_000, 32_000] as const;

/** Reads the four bytes of a frame header at `at`. Throws `malformed`, for frames of free format too. */
export function parseMpegAudioHeader(bytes: Uint8Array, at: number): MpegAudioHeader {
  const second = bytes[at + 1] ?? 0;
  const third = bytes[at + 2] ?? 0;
  // 0 is MPEG-2.5, 2 is MPEG-2, 3 is MPEG-1.
  const version = (second >> 3) & 3;
  const layer = 4 - ((second >> 1) & 3);
  const base = sampleRates[(third >> 2) & 3];
  const kbits = bitrates[version === 3 ? 'v1' : 'v2'][layer - 1]?.[(third >> 4) - 1];
  if (at + 4 > bytes.length || bytes[at] !== 0xff || second < 0xe0 || version === 1) {
    throw malformed('MPEG_AUDIO_SYNC', 'No frame of MPEG audio begins here.');
  }
  if (layer === 4 || base === undefined || kbits === undefined) {
    throw malformed('MPEG_AUDIO_HEADER', 'A frame of MPEG audio with a reserved layer, rate or bit rate.');
  }
  const sampleRate = version === 3 ? base : version === 2 ? base / 2 : base / 4;
  const frameSamples = layer === 1 ? 384 : layer === 3 && version !== 3 ? 576 : 1152;
  const padding = (third >> 1) & 1;
  const frameBytes =
    layer === 1
      ? (Math.floor((12_000 * kbits) / sampleRate) + padding) * 4
      : Math.floor((frameSamples * 125 * kbits) / sampleRate) + padding;
  return { layer, sampleRate, channels: (bytes[at + 3]! & 0xc0) === 0xc0 ? 1 : 2, frameBytes, frameSamples };
}
