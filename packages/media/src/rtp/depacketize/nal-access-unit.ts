import type { AccessUnit, AvccSource, RtpPacket, Track } from '../../types.ts';
import type { NalPayload } from './nal-payload.ts';

/** What is known about an access unit of H.26x before its units are put together. */
export interface NalUnitFields {
  rtpTimestamp: number;
  key: boolean;
  byteLength: number;
  lost: number;
  track: Track;
  /** The first `packetCount` count. */
  packets: readonly (RtpPacket | undefined)[];
  packetCount: number;
}

/** An access unit of H.26x whose NAL units are put together at the first use and kept. */
export class NalAccessUnit implements AccessUnit, AvccSource {
  readonly rtpTimestamp: number;
  readonly key: boolean;
  readonly byteLength: number;
  readonly lost: number;
  readonly track: Track;
  readonly packets: readonly RtpPacket[];
  /** How its codec puts NAL units into packets. */
  readonly payload: NalPayload;
  #units: readonly Uint8Array[] | undefined;
  #avccBytes = -1;

  /** `units`: its NAL units, where they had to be put together already. */
  constructor(fields: NalUnitFields, payload: NalPayload, units?: readonly Uint8Array[]) {
    this.rtpTimestamp = fields.rtpTimestamp;
    this.key = fields.key;
    this.byteLength = fields.byteLength;
    this.lost = fields.lost;
    this.track = fields.track;
    this.packets = fields.packets.slice(0, fields.packetCount) as RtpPacket[];
    this.payload = payload;
    this.#units = units;
  }

  units(): readonly Uint8Array[] {
    this.#units ??= this.payload.join(this.packets, false);
    return this.#units;
  }

  /** Itself, while nobody had its NAL units put together. */
  get avcc(): AvccSource | undefined {
    return this.#units === undefined ? this : undefined;
  }

  avccBytes(): number {
    if (this.#avccBytes < 0) this.#avccBytes = this.payload.avccBytes(this.packets);
    return this.#avccBytes;
  }

  writeAvcc(target: Uint8Array, at: number): number {
    return this.payload.writeAvcc(this.packets, target, at);
  }
}
