import { malformed } from '../../codec/malformed.ts';
import { parseVp8Header, parseVp9Header, type VpxFrame } from '../../codec/vpx/frame-header.ts';
import type { AccessUnit, Depacketizer, RtpPacket, Track } from '../../types.ts';
import { parseVp8Payload, parseVp9Payload, type VpxPayload } from './vpx-payload.ts';

const maxFrameBytes = 8 * 1024 * 1024;
const maxPackets = 16_384;

/** VP8 (RFC 7741) and VP9 without spatial layers (RFC 9628). After a loss all is dropped up to the next key picture. */
export class VpxDepacketizer implements Depacketizer {
  dropped = 0;
  readonly #emit: (unit: AccessUnit) => void;
  readonly #parse: (packet: RtpPacket) => VpxPayload;
  readonly #readHeader: (bytes: Uint8Array) => VpxFrame;
  #track: Track;
  #packets: RtpPacket[] = [];
  #starts: number[] = [];
  #bytes = 0;
  #lost = 0;
  #hasKey = false;

  constructor(track: Track, emit: (unit: AccessUnit) => void) {
    this.#track = track;
    this.#emit = emit;
    this.#parse = track.codec === 'vp8' ? parseVp8Payload : parseVp9Payload;
    this.#readHeader = track.codec === 'vp8' ? parseVp8Header : parseVp9Header;
  }

  get oldestPending(): RtpPacket | undefined {
    return this.#packets[0];
  }

  push(packet: RtpPacket, lost: number): void {
    if (lost > 0) {
      this.#lost += lost;
      this.#hasKey = false;
      this.#drop();
    }
    const pending = this.#packets[0];
    if (pending !== undefined && pending.timestamp !== packet.timestamp) this.#finish();
    if (packet.payloadEnd === packet.payloadStart) return;
    const { start, begins } = this.#parse(packet);
    // What goes on without a beginning is the rest of a picture that a loss cut.
    if (this.#packets.length === 0 && !begins) return;
    this.#packets.push(packet);
    this.#starts.push(start);
    this.#bytes += packet.payloadEnd - start;
    if (this.#bytes > maxFrameBytes || this.#packets.length > maxPackets) {
      this.#drop();
      throw malformed('RTP_VPX_TOO_LARGE', `A picture of more than ${maxFrameBytes} bytes.`);
    }
    if (packet.marker) this.#finish();
  }

  flush(): void {
    this.#drop();
    this.#lost = 0;
  }

  #drop(): void {
    if (this.#packets.length > 0) this.dropped++;
    this.#clear();
  }

  #clear(): void {
    this.#packets = [];
    this.#starts = [];
    this.#bytes = 0;
  }

  #finish(): void {
    const packets = this.#packets;
    const starts = this.#starts;
    const byteLength = this.#bytes;
    this.#clear();
    const first = packets[0]!;
    const { key, width, height } = this.#readHeader(first.chunk.subarray(starts[0]!, first.payloadEnd));
    if (key) this.#hasKey = true;
    else if (!this.#hasKey) {
      // Before the first key picture nothing is damaged.
      if (this.#track.width !== undefined) this.dropped++;
      return;
    }
    if (key && (width !== this.#track.width || height !== this.#track.height)) {
      this.#track = { ...this.#track, width, height };
    }
    const unit = new VpxAccessUnit({ key, byteLength, packets, lost: this.#lost, track: this.#track }, starts);
    this.#lost = 0;
    this.#emit(unit);
  }
}

type VpxFields = Pick<AccessUnit, 'key' | 'byteLength' | 'packets' | 'lost' | 'track'>;

/** A picture that is put together at the first use and kept. */
class VpxAccessUnit implements AccessUnit {
  readonly rtpTimestamp: number;
  readonly key: boolean;
  readonly byteLength: number;
  readonly packets: readonly RtpPacket[];
  readonly lost: number;
  readonly track: Track;
  readonly #starts: readonly number[];
  #units: readonly Uint8Array[] | undefined;

  constructor(fields: VpxFields, starts: readonly number[]) {
    this.rtpTimestamp = fields.packets[0]!.timestamp;
    this.key = fields.key;
    this.byteLength = fields.byteLength;
    this.packets = fields.packets;
    this.lost = fields.lost;
    this.track = fields.track;
    this.#starts = starts;
  }

  units(): readonly Uint8Array[] {
    this.#units ??= [this.#join()];
    return this.#units;
  }

  #join(): Uint8Array {
    const picture = new Uint8Array(this.byteLength);
    let at = 0;
    for (let i = 0; i < this.packets.length; i++) {
      const { chunk, payloadEnd } = this.packets[i]!;
      picture.set(chunk.subarray(this.#starts[i]!, payloadEnd), at);
      at += payloadEnd - this.#starts[i]!;
    }
    return picture;
  }
}
