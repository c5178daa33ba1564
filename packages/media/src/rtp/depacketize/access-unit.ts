import type { AccessUnit, RtpPacket, Track } from '../../types.ts';

/**
 * Cuts the NAL units out of the packets of one access unit; joins what came in fragments with one copy each. Without
 * `keepAll`, parameter sets, access unit delimiters and filler are left out.
 */
export type JoinUnits = (packets: readonly RtpPacket[], keepAll: boolean) => Uint8Array[];

/** What is known about an access unit before its units are put together. */
export interface AccessUnitFields {
  rtpTimestamp: number;
  key: boolean;
  byteLength: number;
  packets: readonly RtpPacket[];
  lost: number;
  track: Track;
}

/** An access unit of H.26x whose NAL units are put together at the first use and kept. */
export class NalAccessUnit implements AccessUnit {
  readonly rtpTimestamp: number;
  readonly key: boolean;
  readonly byteLength: number;
  readonly packets: readonly RtpPacket[];
  readonly lost: number;
  readonly track: Track;
  readonly #join: JoinUnits;
  #units: readonly Uint8Array[] | undefined;

  constructor(fields: AccessUnitFields, join: JoinUnits, units?: readonly Uint8Array[]) {
    this.rtpTimestamp = fields.rtpTimestamp;
    this.key = fields.key;
    this.byteLength = fields.byteLength;
    this.packets = fields.packets;
    this.lost = fields.lost;
    this.track = fields.track;
    this.#join = join;
    this.#units = units;
  }

  units(): readonly Uint8Array[] {
    this.#units ??= this.#join(this.packets, false);
    return this.#units;
  }
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

  constructor(fields: Omit<AccessUnitFields, 'key' | 'byteLength'>, frame: Uint8Array) {
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
