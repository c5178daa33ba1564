import { readU16, readU32, writeU32 } from '@watchpost/base/bytes.ts';
import { rtpPayloadStart } from '../rtp/packet.ts';
import type { SrtpCrypto } from './crypto.ts';
import type { SrtpKeys, SrtpPolicy } from './keys.ts';
import { PacketCipher } from './packet-cipher.ts';

const rtcpHeaderBytes = 8;
const encryptedFlag = 0x8000_0000;

/** Protects the RTP and RTCP packets of one sender of ours (RFC 3711 §3.3, §3.4). */
export class SrtpSender {
  readonly #policy: SrtpPolicy;
  readonly #rtp: PacketCipher;
  readonly #rtcp: PacketCipher;
  readonly #mki: Uint8Array;
  #rollOver = 0;
  #sequence = -1;
  #rtcpIndex = 0;

  /** Throws what a cryptographic library throws for keys of other lengths than the policy's. */
  constructor(crypto: SrtpCrypto, { policy, keys }: SrtpKeys) {
    const key = keys[0]!;
    this.#policy = policy;
    this.#rtp = new PacketCipher(crypto, key, 'rtp');
    this.#rtcp = new PacketCipher(crypto, key, 'rtcp');
    this.#mki = key.mki;
  }

  /** A packet with the next sequence number, as it is sent. */
  sealRtp(packet: Uint8Array): Uint8Array {
    const sequence = readU16(packet, 2);
    if (sequence < this.#sequence) this.#rollOver++;
    this.#sequence = sequence;
    const { rtpTagBytes, encryptsRtp } = this.#policy;
    const { length } = packet;
    const sealed = new Uint8Array(length + this.#mki.length + rtpTagBytes);
    sealed.set(packet);
    if (encryptsRtp) {
      this.#rtp.select(readU32(packet, 8), this.#rollOver * 0x1_0000 + sequence);
      this.#rtp.crypt(sealed, Math.max(rtpPayloadStart(packet, 0, length), 0), length);
    }
    writeU32(sealed, length, this.#rollOver);
    const tag = this.#rtp.sign(sealed, 0, length + 4).subarray(0, rtpTagBytes);
    return this.#end(sealed, length, tag);
  }

  /** A compound packet, as it is sent. */
  sealRtcp(packet: Uint8Array): Uint8Array {
    const { rtcpTagBytes, encryptsRtcp } = this.#policy;
    const { length } = packet;
    const index = ++this.#rtcpIndex;
    const sealed = new Uint8Array(length + 4 + this.#mki.length + rtcpTagBytes);
    sealed.set(packet);
    if (encryptsRtcp) {
      this.#rtcp.select(readU32(packet, 4), index);
      this.#rtcp.crypt(sealed, rtcpHeaderBytes, length);
    }
    writeU32(sealed, length, encryptsRtcp ? index + encryptedFlag : index);
    return this.#end(sealed, length + 4, this.#rtcp.sign(sealed, 0, length + 4).subarray(0, rtcpTagBytes));
  }

  #end(sealed: Uint8Array, at: number, tag: Uint8Array): Uint8Array {
    sealed.set(this.#mki, at);
    sealed.set(tag, at + this.#mki.length);
    return sealed;
  }
}
