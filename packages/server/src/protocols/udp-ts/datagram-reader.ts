import { type TsCounts, TsDemuxer } from '@watchpost/media/container/mpeg-ts/demuxer.ts';
import { parseRtpPacket } from '@watchpost/media/rtp/packet.ts';
import { ReorderBuffer } from '@watchpost/media/rtp/reorder.ts';
import type { UnitInput } from '../../hub/unit-input.ts';

const tsSync = 0x47;
/** RTP version 2 in the first two bits (RFC 3550 §5.1); a sync byte has 01 there. */
const rtpVersion = 2;
const rtpHeadBytes = 12;
/** FFmpeg puts sound of a low bit rate into packets of 0.7 s and more. */
const soundPatienceMs = 2500;

/** Takes MPEG-TS out of datagrams: plain, or in RTP, whose packets are put in order. */
export class DatagramReader {
  readonly #input: UnitInput;
  readonly #demuxer: TsDemuxer;
  readonly #reorder: ReorderBuffer;
  #told: TsCounts;

  constructor(input: UnitInput) {
    this.#input = input;
    this.#demuxer = new TsDemuxer({
      announced: (kinds) => input.expect(kinds, soundPatienceMs),
      track: (track) => input.track(track),
      unit: (track, unit) => input.unit(track, unit),
    });
    this.#told = { ...this.#demuxer.counts };
    this.#reorder = new ReorderBuffer(({ chunk, payloadStart, payloadEnd }) =>
      this.#demuxer.push(chunk.subarray(payloadStart, payloadEnd)),
    );
  }

  /** One datagram, never written to again. */
  receive(packet: Uint8Array, nowMs: number): void {
    const first = packet[0];
    if (first === tsSync || first === undefined) this.#demuxer.push(packet);
    else if (first >> 6 === rtpVersion && packet.length > rtpHeadBytes) this.#receiveRtp(packet, nowMs);
    else this.#input.count('packets_unknown', 1);
    this.#input.flush();
  }

  /** Once a second. */
  tick(nowMs: number): void {
    this.#reorder.expire(nowMs);
    const { counts } = this.#demuxer;
    const before = this.#told;
    if (counts.lostPackets > before.lostPackets) {
      this.#input.count('ts_packets_lost', counts.lostPackets - before.lostPackets);
    }
    if (counts.malformed > before.malformed) this.#input.count('ts_malformed', counts.malformed - before.malformed);
    this.#told = { ...counts };
    this.#input.flush();
  }

  #receiveRtp(packet: Uint8Array, nowMs: number): void {
    try {
      this.#reorder.push(parseRtpPacket(packet, 0, packet.length), nowMs);
    } catch {
      this.#input.count('rtp_malformed', 1);
    }
  }
}
