import type { AccessUnit, Depacketizer, Track } from '../../types.ts';
import { AacDepacketizer } from './aac.ts';
import { AacLatmDepacketizer } from './aac-latm.ts';
import { Av1Depacketizer } from './av1.ts';
import { H264Depacketizer } from './h264.ts';
import { H265Depacketizer } from './h265.ts';
import { JpegDepacketizer } from './jpeg.ts';
import { MpegAudioDepacketizer } from './mpeg-audio.ts';
import { PlainDepacketizer } from './plain.ts';
import { VpxDepacketizer } from './vpx.ts';

/** Stands among the parameters of an L16 track whose samples come with the low byte first: `tracksFromSdp` puts it there. */
export const lowByteFirst = 'low-byte-first';

/**
 * The depacketizer for a track; `format` holds the parameters of its `a=fmtp`. Undefined for codecs without one, and
 * for interleaved H.264 (packetization-mode 2) and H.265 (sprop-max-don-diff), which no camera is known to send.
 */
export function createDepacketizer(
  track: Track,
  format: Readonly<Record<string, string>>,
  emit: (unit: AccessUnit) => void,
): Depacketizer | undefined {
  switch (track.codec) {
    case 'h264':
      return format['packetization-mode'] === '2' ? undefined : new H264Depacketizer(track, emit);
    case 'h265':
      return Number(format['sprop-max-don-diff'] ?? 0) > 0 ? undefined : new H265Depacketizer(track, emit);
    case 'aac':
      // `cpresent` belongs to MP4A-LATM (RFC 6416), another payload format.
      return 'cpresent' in format
        ? new AacLatmDepacketizer(track, emit, format)
        : new AacDepacketizer(track, emit, format);
    case 'mjpeg':
      return new JpegDepacketizer(track, emit);
    case 'av1':
      return new Av1Depacketizer(track, emit);
    case 'vp8':
    case 'vp9':
      return new VpxDepacketizer(track, emit);
    case 'mp3':
      return new MpegAudioDepacketizer(track, emit);
    case 'l16':
      return new PlainDepacketizer(track, emit, lowByteFirst in format);
    case 'pcma':
    case 'pcmu':
    case 'g726':
    case 'opus':
      return new PlainDepacketizer(track, emit);
    default:
      return undefined;
  }
}
