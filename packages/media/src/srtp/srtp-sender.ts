import { readU16, readU32 } from '@watchpost/base/bytes.ts';
import type { SrtpCrypto } from './crypto.ts';
import type { SrtpKeys } from './keys.ts';
import { createPacketCipher, type PacketCipher } from './packet-cipher.ts';

/** Protects the RTP and RTCP packets of one sender of ours (RFC 3711 §3.3, §3.4). */
export class SrtpSender {
  readonly #rtp: PacketCipher;
  readonly #rtcp: PacketCipher;
  #rollOver = 0;
  #sequence = -1;
  #rtcpIndex = 0;

  /** Throws what a cryptographic library throws for keys of other lengths than the policy's. */
  constructor(crypto: SrtpCrypto, { policy, keys }: SrtpKeys) {
    this.#rtp = createPacketCipher(crypto, keys[0]!, { policy, kind: 'rtp' });
    this.#rtcp = createPacketCipher(crypto, keys[0]!, { policy, kind: 'rtcp' });
  }

  /** A packet with the next sequence number, as it is sent. */
  sealRtp(packet: Uint8Array): Uint8Array {
    const sequence = readU16(packet, 2);
    if (sequence < this.#sequence) this.#rollOver++;
    this.#sequence = sequence;
    this.#rtp.select(readU32(packet, 8), this.#rollOver * 0x1_0000 + sequence);
    return this.#rtp.seal(packet);
  }

  /** A compound packet, as it is sent. */
  sealRtcp(packet: Uint8Array): Uint8Array {
    this.#rtcp.select(readU32(packet, 4), ++this.#rtcpIndex);
    return this.#rtcp.seal(packet);
  }
}
