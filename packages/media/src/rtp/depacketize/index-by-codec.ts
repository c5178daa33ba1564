import type { AccessUnit, Depacketizer, Track } from '../../types.ts';
import { AacDepacketizer } from './aac.ts';
import { H264Depacketizer } from './h264.ts';
import { H265Depacketizer } from './h265.ts';
import { PlainDepacketizer } from './plain.ts';

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
      return 'cpresent' in format ? undefined : new AacDepacketizer(track, emit, format);
    case 'pcma':
    case 'pcmu':
    case 'g726':
    case 'l16':
    case 'opus':
      return new PlainDepacketizer(track, emit);
    default:
      return undefined;
  }
}
