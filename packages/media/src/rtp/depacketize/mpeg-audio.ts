import { readU16 } from '@watchpost/base/bytes.ts';
import { malformed } from '../../codec/malformed.ts';
import { type MpegAudioHeader, parseMpegAudioHeader } from '../../codec/mpeg-audio/frame-header.ts';
import type { AccessUnit, Depacketizer, RtpPacket, Track } from '../../types.ts';
import { FrameAccessUnit } from './access-unit.ts';

/** MBZ and Frag_offset (RFC 2250 §3.5). */
const headBytes = 4;
const maxFrames = 64;

/** MPEG audio, layers I to III (RFC 2250 §3.5): whole frames in a packet, or one frame in several. */
export class MpegAudioDepacketizer implements Depacketizer {
  dropped = 0;
  readonly #emit: (unit: AccessUnit) => void;
  #track: Track;
  #lost = 0;
  #partial: Uint8Array | undefined;
  #partialHeader: MpegAudioHeader | undefined;
  #partialBytes = 0;
  #partialPackets: RtpPacket[] = [];

  constructor(track: Track, emit: (unit: AccessUnit) => void) {
    this.#track = track;
    this.#emit = emit;
  }

  get oldestPending(): RtpPacket | undefined {
    return this.#partialPackets[0];
  }

  push(packet: RtpPacket, lost: number): void {
    this.#lost += lost;
    if (lost > 0) this.#dropPartial();
    const { chunk, payloadStart, payloadEnd } = packet;
    if (payloadEnd === payloadStart) return;
    if (payloadEnd - payloadStart <= headBytes)
      throw malformed('RTP_MPA_SHORT', 'An MPEG audio packet without a frame.');
    const offset = readU16(chunk, payloadStart + 2);
    if (offset > 0) {
      this.#continue(packet, offset);
      return;
    }
    this.#dropPartial();
    this.#readFrames(packet, payloadStart + headBytes);
  }

  flush(): void {
    this.#dropPartial();
    this.#lost = 0;
  }

  #readFrames(packet: RtpPacket, start: number): void {
    const { chunk, payloadEnd } = packet;
    let ticks = 0;
    let at = start;
    for (let i = 0; i < maxFrames && at < payloadEnd; i++) {
      const header = parseMpegAudioHeader(chunk, at);
      const end = at + header.frameBytes;
      if (end > payloadEnd) {
        if (i === 0) this.#begin(packet, header, at);
        else this.dropped++;
        return;
      }
      const timestamp = (packet.timestamp + Math.round(ticks)) >>> 0;
      this.#deliver(header, { frame: chunk.subarray(at, end), timestamp, packets: i === 0 ? [packet] : [] });
      ticks += (header.frameSamples * this.#track.clockRate) / header.sampleRate;
      at = end;
    }
  }

  #begin(packet: RtpPacket, header: MpegAudioHeader, at: number): void {
    this.#partial = new Uint8Array(header.frameBytes);
    this.#partialHeader = header;
    this.#partial.set(packet.chunk.subarray(at, packet.payloadEnd));
    this.#partialBytes = packet.payloadEnd - at;
    this.#partialPackets = [packet];
  }

  #continue(packet: RtpPacket, offset: number): void {
    const frame = this.#partial;
    const header = this.#partialHeader;
    const start = packet.payloadStart + headBytes;
    if (frame === undefined || header === undefined) return;
    if (offset !== this.#partialBytes || offset + packet.payloadEnd - start > frame.length) {
      this.#dropPartial();
      return;
    }
    frame.set(packet.chunk.subarray(start, packet.payloadEnd), offset);
    this.#partialBytes += packet.payloadEnd - start;
    this.#partialPackets.push(packet);
    if (this.#partialBytes < frame.length) return;
    const packets = this.#partialPackets;
    this.#clearPartial();
    this.#deliver(header, { frame, timestamp: packets[0]!.timestamp, packets });
  }

  #dropPartial(): void {
    if (this.#partial === undefined) return;
    this.dropped++;
    this.#clearPartial();
  }

  #clearPartial(): void {
    this.#partial = undefined;
    this.#partialHeader = undefined;
    this.#partialBytes = 0;
    this.#partialPackets = [];
  }

  #deliver(
    { sampleRate, channels }: MpegAudioHeader,
    unit: { frame: Uint8Array; timestamp: number; packets: readonly RtpPacket[] },
  ): void {
    // The description says neither: its clock is 90 kHz whatever the sound is.
    if (this.#track.sampleRate !== sampleRate || this.#track.channels !== channels) {
      this.#track = { ...this.#track, sampleRate, channels };
    }
    const fields = { rtpTimestamp: unit.timestamp, packets: unit.packets, lost: this.#lost, track: this.#track };
    this.#lost = 0;
    this.#emit(new FrameAccessUnit(fields, unit.frame));
  }
}
