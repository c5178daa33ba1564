import { parseRtpPacket } from '@watchpost/media/rtp/packet.ts';
import type { ServedDescription, ServedRefusal } from '@watchpost/media/rtsp/server.ts';
import { describeTracks } from '@watchpost/media/sdp/write.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { CameraFaults } from './faults.ts';

/** Of the ONVIF Streaming Specification, §5.3. */
export const backChannelFeature = 'www.onvif.org/ver20/backchannel';

const maxKept = 10_000;

/** A packet that somebody spoke. */
export interface HeardPacket {
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
  /** ms since 1970 UTC */
  readonly atMs: number;
}

/** The loudspeaker of a virtual camera: describes what it takes, and keeps what it hears. */
export class Loudspeaker {
  /** The last packets that came. */
  readonly heard: HeardPacket[] = [];

  /** A description with the back channel after the tracks of a path; the refusal where the camera has none. */
  describe(
    described: ServedDescription,
    codec: CameraFaults['backChannel'] = 'pcma',
  ): ServedDescription | ServedRefusal {
    if (codec === 'none') {
      const headers = [['Unsupported', backChannelFeature]] as const;
      return { status: 551, reason: 'Option not supported', headers };
    }
    const control = `trackID=${described.trackCount}`;
    const payloadType = { pcma: 8, pcmu: 0, aac: 120 }[codec];
    const track: Track = {
      ...{ id: described.trackCount, kind: 'audio', codec, channels: 1 },
      ...(codec === 'aac' ? { clockRate: 16_000, sampleRate: 16_000 } : { clockRate: 8000, sampleRate: 8000 }),
      parameterSets: codec === 'aac' ? [Uint8Array.of(0x14, 0x08)] : [],
    };
    const [media] = describeTracks([{ track, payloadType, control }]).media;
    const back = { ...media!, attributes: [...media!.attributes, ['sendonly', undefined] as const] };
    const sdp = { ...described.sdp, media: [...described.sdp.media, back] };
    return { sdp, trackCount: described.trackCount + 1 };
  }

  /** A packet from a viewer, `chunk[start…end)`. */
  receive(chunk: Uint8Array, start: number, end: number): void {
    const packet = parseRtpPacket(chunk, start, end);
    const { payloadType, sequence, timestamp, marker } = packet;
    const payload = chunk.slice(packet.payloadStart, packet.payloadEnd);
    this.heard.push({ payloadType, sequence, timestamp, marker, payload, atMs: Date.now() });
    if (this.heard.length > maxKept) this.heard.shift();
  }
}
