import { fromHex } from '@watchpost/base/bytes.ts';
import type { AccessUnit, CodecName, Depacketizer, Track } from '../../types.ts';
import { parseRtpPacket, writeRtpHeader } from '../packet.ts';
import { createDepacketizer } from './index-by-codec.ts';

/** A depacketizer under test: keeps what it emits and numbers what it is sent. For tests only. */
export class Bench {
  readonly units: AccessUnit[] = [];
  readonly depacketizer: Depacketizer;
  #sequence = 65_530;

  constructor(codec: CodecName, parameterSets: readonly Uint8Array[] = [], format: Record<string, string> = {}) {
    const clockRate = codec === 'aac' ? 48_000 : 90_000;
    const track: Track = { id: 1, kind: codec === 'aac' ? 'audio' : 'video', codec, clockRate, parameterSets };
    this.depacketizer = createDepacketizer(track, format, (unit) => this.units.push(unit))!;
  }

  /** Sends one packet. */
  send(timestamp: number, payload: string | Uint8Array, options: { marker?: boolean; lost?: number } = {}): void {
    const bytes = typeof payload === 'string' ? fromHex(payload) : payload;
    const packet = new Uint8Array(12 + bytes.length);
    const marker = options.marker ?? false;
    writeRtpHeader(packet, 0, { payloadType: 96, marker, sequence: this.#sequence++ & 0xffff, timestamp, ssrc: 7 });
    packet.set(bytes, 12);
    this.depacketizer.push(parseRtpPacket(packet, 0, packet.length), options.lost ?? 0);
  }

  /** Sends the payloads of one access unit, the last with the marker. */
  sendUnit(timestamp: number, payloads: readonly (string | Uint8Array)[]): void {
    for (const [i, payload] of payloads.entries()) this.send(timestamp, payload, { marker: i === payloads.length - 1 });
  }
}
