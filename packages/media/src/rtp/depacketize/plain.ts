import type { AccessUnit, Depacketizer, RtpPacket, Track } from '../../types.ts';
import { FrameAccessUnit } from './access-unit.ts';

/** Audio whose packets are frames as they are: G.711, G.726, L16 (RFC 3551 §4.5), Opus (RFC 7587 §4.2). */
export class PlainDepacketizer implements Depacketizer {
  dropped = 0;
  /** Each packet is a unit of its own. */
  readonly oldestPending = undefined;
  readonly #track: Track;
  readonly #emit: (unit: AccessUnit) => void;
  #lost = 0;

  constructor(track: Track, emit: (unit: AccessUnit) => void) {
    this.#track = track;
    this.#emit = emit;
  }

  push(packet: RtpPacket, lost: number): void {
    this.#lost += lost;
    if (packet.payloadEnd === packet.payloadStart) return;
    const fields = { rtpTimestamp: packet.timestamp, packets: [packet], lost: this.#lost, track: this.#track };
    this.#lost = 0;
    this.#emit(new FrameAccessUnit(fields, packet.chunk.subarray(packet.payloadStart, packet.payloadEnd)));
  }

  flush(): void {
    this.#lost = 0;
  }
}
