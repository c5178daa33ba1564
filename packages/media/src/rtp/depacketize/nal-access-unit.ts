import type { AccessUnit, AvccSource, RtpPacket, Track } from '../../types.ts';
import { KeptPackets } from './kept-packets.ts';
import type { NalPayload } from './nal-payload.ts';

/** Spare units of one track: as many as a long GOP has. */
const maxSpareUnits = 256;

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

/** Makes the access units of one track, and uses again those that came back. */
export class NalUnitPool {
  readonly #payload: NalPayload;
  readonly #spare: NalAccessUnit[] = [];

  constructor(payload: NalPayload) {
    this.#payload = payload;
  }

  /** `units`: its NAL units, where they had to be put together already. */
  make(fields: NalUnitFields, units?: readonly Uint8Array[]): AccessUnit {
    const unit = this.#spare.pop() ?? new NalAccessUnit(this.#payload, this);
    unit.fill(fields, units);
    return unit;
  }

  /** For `NalAccessUnit`. */
  give(unit: NalAccessUnit): void {
    if (this.#spare.length < maxSpareUnits) this.#spare.push(unit);
  }
}

/** An access unit of H.26x whose NAL units are put together at the first use and kept. */
class NalAccessUnit implements AccessUnit, AvccSource {
  rtpTimestamp = 0;
  key = false;
  byteLength = 0;
  lost = 0;
  #track: Track | undefined;
  readonly #kept = new KeptPackets();
  readonly #payload: NalPayload;
  readonly #pool: NalUnitPool;
  #units: readonly Uint8Array[] | undefined;
  #avccBytes = -1;
  /** Between `avccBytes` and `writeAvcc`, which follows it. */
  #unpacked: readonly RtpPacket[] | undefined;

  constructor(payload: NalPayload, pool: NalUnitPool) {
    this.#payload = payload;
    this.#pool = pool;
  }

  fill(fields: NalUnitFields, units: readonly Uint8Array[] | undefined): void {
    this.rtpTimestamp = fields.rtpTimestamp;
    this.key = fields.key;
    this.byteLength = fields.byteLength;
    this.lost = fields.lost;
    this.#track = fields.track;
    this.#kept.fill(fields.packets, fields.packetCount);
    this.#units = units;
  }

  get track(): Track {
    return this.#track!;
  }

  get packets(): readonly RtpPacket[] {
    return this.#kept.unpack();
  }

  units(): readonly Uint8Array[] {
    this.#units ??= this.#payload.join(this.#kept.unpack(), false);
    return this.#units;
  }

  /** Itself, while nobody had its NAL units put together. */
  get avcc(): AvccSource | undefined {
    return this.#units === undefined ? this : undefined;
  }

  avccBytes(): number {
    if (this.#avccBytes < 0) {
      this.#unpacked = this.#kept.unpack();
      this.#avccBytes = this.#payload.avccBytes(this.#unpacked);
    }
    return this.#avccBytes;
  }

  writeAvcc(target: Uint8Array, at: number): number {
    const packets = this.#unpacked ?? this.#kept.unpack();
    this.#unpacked = undefined;
    return this.#payload.writeAvcc(packets, target, at);
  }

  recycle(): void {
    this.#kept.clear();
    this.#units = undefined;
    this.#unpacked = undefined;
    this.#avccBytes = -1;
    this.#pool.give(this);
  }
}
