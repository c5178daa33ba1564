import type { AccessUnit, Depacketizer, RtpPacket, Track } from '../../types.ts';
import { FrameAccessUnit, withoutRtp } from './access-unit.ts';

/** Audio whose packets are frames as they are: G.711, G.726, L16 (RFC 3551 §4.5), Opus (RFC 7587 §4.2). */
export class PlainDepacketizer implements Depacketizer {
  dropped = 0;
  /** Each packet is a unit of its own. */
  readonly oldestPending = undefined;
  readonly #track: Track;
  readonly #emit: (unit: AccessUnit) => void;
  readonly #isLowByteFirst: boolean;
  #lost = 0;

  /** `isLowByteFirst`: 16-bit samples come as Hikvision's `PCM` sends them, and go on as L16. */
  constructor(track: Track, emit: (unit: AccessUnit) => void, isLowByteFirst = false) {
    this.#track = track;
    this.#emit = emit;
    this.#isLowByteFirst = isLowByteFirst;
  }

  push(packet: RtpPacket, lost: number): void {
    this.#lost += lost;
    if (packet.payloadEnd === packet.payloadStart) return;
    const packets = this.#isLowByteFirst ? withoutRtp : [packet];
    const fields = { rtpTimestamp: packet.timestamp, packets, lost: this.#lost, track: this.#track };
    this.#lost = 0;
    const frame = packet.chunk.subarray(packet.payloadStart, packet.payloadEnd);
    this.#emit(new FrameAccessUnit(fields, this.#isLowByteFirst ? swapBytes(frame) : frame));
  }

  flush(): void {
    this.#lost = 0;
  }
}

/** A copy with the bytes of each 16-bit sample exchanged. */
function swapBytes(bytes: Uint8Array): Uint8Array {
  const swapped = new Uint8Array(bytes.length & ~1);
  for (let i = 0; i < swapped.length; i += 2) {
    swapped[i] = bytes[i + 1]!;
    swapped[i + 1] = bytes[i]!;
  }
  return swapped;
}
