import type { AccessUnit, AvccSource, RtpPacket, Track } from '../../types.ts';
import type { NalPayload } from './nal-payload.ts';

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
export class NalAccessUnit implements AccessUnit, AvccSource {
  readonly rtpTimestamp: number;
  readonly key: boolean;
  readonly byteLength: number;
  readonly packets: readonly RtpPacket[];
  readonly lost: number;
  readonly track: Track;
  readonly #payload: NalPayload;
  #units: readonly Uint8Array[] | undefined;
  #avccBytes = -1;

  constructor(fields: AccessUnitFields, payload: NalPayload, units?: readonly Uint8Array[]) {
    this.rtpTimestamp = fields.rtpTimestamp;
    this.key = fields.key;
    this.byteLength = fields.byteLength;
    this.packets = fields.packets;
    this.lost = fields.lost;
    this.track = fields.track;
    this.#payload = payload;
    this.#units = units;
  }

  units(): readonly Uint8Array[] {
    this.#units ??= this.#payload.join(this.packets, false);
    return this.#units;
  }

  /** Itself, while nobody had its NAL units put together. */
  get avcc(): AvccSource | undefined {
    return this.#units === undefined ? this : undefined;
  }

  avccBytes(): number {
    if (this.#avccBytes < 0) this.#avccBytes = this.#payload.avccBytes(this.packets);
    return this.#avccBytes;
  }

  writeAvcc(target: Uint8Array, at: number): number {
    return this.#payload.writeAvcc(this.packets, target, at);
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
