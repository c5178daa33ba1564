import type { AccessUnit, RtpPacket, Track } from '../../types.ts';

/** Stands for the packets of a unit that did not come over RTP, or not as it can go out again. */
export const withoutRtp: readonly RtpPacket[] = [];

/** What is known about a frame besides its bytes. */
export interface FrameFields {
  readonly rtpTimestamp: number;
  readonly packets: readonly RtpPacket[];
  readonly lost: number;
  readonly track: Track;
}

/** An access unit that is one raw frame: audio. Always a random access point. */
export class FrameAccessUnit implements AccessUnit {
  readonly rtpTimestamp: number;
  readonly key = true;
  readonly byteLength: number;
  readonly packets: readonly RtpPacket[];
  readonly lost: number;
  readonly track: Track;
  readonly #units: readonly Uint8Array[];

  constructor(fields: FrameFields, frame: Uint8Array) {
    this.rtpTimestamp = fields.rtpTimestamp;
    this.byteLength = frame.length;
    this.packets = fields.packets;
    this.lost = fields.lost;
    this.track = fields.track;
    this.#units = [frame];
  }

  units(): readonly Uint8Array[] {
    return this.#units;
  }
}
