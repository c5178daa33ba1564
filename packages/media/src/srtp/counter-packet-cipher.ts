import { readU32, writeU16, writeU32 } from '@watchpost/base/bytes.ts';
import { CounterMode } from './counter-mode.ts';
import type { PacketMac } from './crypto.ts';
import type { PacketCipher, PacketCipherOptions } from './packet-cipher.ts';
import { bodyStartOf, encryptedFlag, indexBytes } from './packet-layout.ts';
import type { PacketKind } from './session-keys.ts';

const saltBytes = 14;

/**
 * AES in counter mode and HMAC-SHA-1 (RFC 3711 §3.1, §3.4): behind what is plain a word that is signed with it, which is
 * the index of RTCP, and for RTP the roll-over counter, which is not sent; then the key identifier and the tag.
 */
export class CounterPacketCipher implements PacketCipher {
  readonly #kind: PacketKind;
  readonly #isRtp: boolean;
  readonly #encrypts: boolean;
  readonly #tagBytes: number;
  readonly #mki: Uint8Array;
  readonly #mode: CounterMode;
  readonly #mac: PacketMac;
  readonly #salt: Uint8Array;
  readonly #mask = new Uint8Array(saltBytes);
  readonly #tag = new Uint8Array(20);
  /** Of the packet that was selected: what is signed with it. */
  #word = 0;

  constructor({ crypto, policy, keys, mki, kind }: PacketCipherOptions) {
    this.#kind = kind;
    this.#isRtp = kind === 'rtp';
    this.#encrypts = this.#isRtp ? policy.encryptsRtp : policy.encryptsRtcp;
    this.#tagBytes = this.#isRtp ? policy.rtpTagBytes : policy.rtcpTagBytes;
    this.#mki = mki;
    this.#mode = new CounterMode(crypto.aes(keys.cipherKey));
    this.#mac = crypto.hmacSha1(keys.macKey);
    this.#salt = keys.salt;
  }

  /** RFC 3711 §4.1.1. */
  select(ssrc: number, index: number): void {
    const { iv } = this.#mode;
    const salt = this.#salt;
    const mask = this.#mask;
    writeU32(mask, 4, ssrc);
    writeU16(mask, 8, Math.floor(index / 0x1_0000_0000));
    writeU32(mask, 10, index >>> 0);
    for (let i = 0; i < saltBytes; i++) iv[i] = salt[i]! ^ mask[i]!;
    this.#word = this.#isRtp ? Math.floor(index / 0x1_0000) : this.#encrypts ? index + encryptedFlag : index;
  }

  open(bytes: Uint8Array, start: number, plainEnd: number): boolean {
    const isRtp = this.#isRtp;
    const tagStart = plainEnd + (isRtp ? 0 : indexBytes) + this.#mki.length;
    for (let i = 0; i < this.#tagBytes; i++) this.#tag[i] = bytes[tagStart + i]!;
    const word = readU32(bytes, plainEnd);
    // What lies behind an RTP packet makes room for the roll-over counter.
    if (isRtp) writeU32(bytes, plainEnd, this.#word);
    const isGenuine = this.#matches(this.#mac.sign(bytes.subarray(start, plainEnd + 4)));
    if (isRtp) writeU32(bytes, plainEnd, word);
    if (isGenuine && (isRtp ? this.#encrypts : word >= encryptedFlag))
      this.#mode.apply(bytes, bodyStartOf(this.#kind, bytes, start), plainEnd);
    return isGenuine;
  }

  seal(packet: Uint8Array): Uint8Array {
    const { length } = packet;
    const mkiStart = length + (this.#isRtp ? 0 : indexBytes);
    const mki = this.#mki;
    const sealed = new Uint8Array(mkiStart + mki.length + this.#tagBytes);
    sealed.set(packet);
    if (this.#encrypts) this.#mode.apply(sealed, bodyStartOf(this.#kind, packet, 0), length);
    writeU32(sealed, length, this.#word);
    const tag = this.#mac.sign(sealed.subarray(0, length + 4)).subarray(0, this.#tagBytes);
    sealed.set(mki, mkiStart);
    sealed.set(tag, mkiStart + mki.length);
    return sealed;
  }

  /** Takes as long whatever differs. */
  #matches(signature: Uint8Array): boolean {
    let difference = 0;
    for (let i = 0; i < this.#tagBytes; i++) difference |= signature[i]! ^ this.#tag[i]!;
    return difference === 0;
  }
}
