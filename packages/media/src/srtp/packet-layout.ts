import { rtpPayloadStart } from '../rtp/packet.ts';
import type { PacketKind } from './session-keys.ts';

/** Bytes of the word with an RTCP packet's index (RFC 3711 §3.4). */
export const indexBytes = 4;

/** The bit beside the index which says that the packet is encrypted. */
export const encryptedFlag = 0x8000_0000;

/** What of an RTCP packet is never encrypted (RFC 3711 §3.4). */
export const rtcpHeaderBytes = 8;

/** Where in a packet that begins at `start` that begins which is encrypted. */
export function bodyStartOf(kind: PacketKind, bytes: Uint8Array, start: number): number {
  return kind === 'rtcp' ? start + rtcpHeaderBytes : Math.max(rtpPayloadStart(bytes, start, bytes.length), start);
}
