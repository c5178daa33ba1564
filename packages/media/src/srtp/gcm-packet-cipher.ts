import { readU32, writeU16, writeU32 } from '@watchpost/base/bytes.ts';
import type { AeadCipher } from './crypto.ts';
import type { PacketCipher, PacketCipherOptions } from './packet-cipher.ts';
import { bodyStartOf, encryptedFlag, indexBytes } from './packet-layout.ts';
import type { PacketKind } from './session-keys.ts';

/** Bytes of the tag (RFC 7714 §13.2). */
export const gcmTagBytes = 16;
const nonceBytes = 12;

/** AES-GCM (RFC 7714): behind what is plain the tag, for RTCP the index, and the key identifier last. */
export class GcmPacketCipher implements PacketCipher {
  readonly #kind: PacketKind;
  readonly #isRtp: boolean;
  readonly #encrypts: boolean;
  readonly #mki: Uint8Array;
  readonly #cipher: AeadCipher;
  readonly #salt: Uint8Array;
  readonly #nonce = new Uint8Array(nonceBytes);
  readonly #mask = new Uint8Array(nonceBytes);
  #index = 0;

  constructor({ crypto, policy, keys, mki, kind }: PacketCipherOptions) {
    this.#kind = kind;
    this.#isRtp = kind === 'rtp';
    this.#encrypts = this.#isRtp || policy.encryptsRtcp;
    this.#mki = mki;
    this.#cipher = crypto.aesGcm(keys.cipherKey);
    this.#salt = keys.salt;
  }

  /** RFC 7714 §8.1, §9.1. */
  select(ssrc: number, index: number): void {
    const nonce = this.#nonce;
    const salt = this.#salt;
    const mask = this.#mask;
    writeU32(mask, 2, ssrc);
    writeU16(mask, 6, Math.floor(index / 0x1_0000_0000));
    writeU32(mask, 8, index >>> 0);
    for (let i = 0; i < nonceBytes; i++) nonce[i] = salt[i]! ^ mask[i]!;
    this.#index = index;
  }

  open(bytes: Uint8Array, start: number, plainEnd: number): boolean {
    const tagEnd = plainEnd + gcmTagBytes;
    const word = this.#isRtp ? 0 : readU32(bytes, tagEnd);
    const isEncrypted = this.#isRtp || word >= encryptedFlag;
    const bodyStart = isEncrypted ? bodyStartOf(this.#kind, bytes, start) : plainEnd;
    const head = this.#headOf(bytes.subarray(start, bodyStart), word);
    const plain = this.#cipher.open(this.#nonce, head, bytes.subarray(bodyStart, tagEnd));
    if (plain === undefined) return false;
    bytes.set(plain, bodyStart);
    return true;
  }

  seal(packet: Uint8Array): Uint8Array {
    const isRtp = this.#isRtp;
    const { length } = packet;
    const mki = this.#mki;
    const tagEnd = length + gcmTagBytes;
    const mkiStart = tagEnd + (isRtp ? 0 : indexBytes);
    const bodyStart = this.#encrypts ? bodyStartOf(this.#kind, packet, 0) : length;
    const word = this.#encrypts ? this.#index + encryptedFlag : this.#index;
    const sealed = new Uint8Array(mkiStart + mki.length);
    sealed.set(packet.subarray(0, bodyStart));
    const head = this.#headOf(packet.subarray(0, bodyStart), word);
    sealed.set(this.#cipher.seal(this.#nonce, head, packet.subarray(bodyStart)), bodyStart);
    if (!isRtp) writeU32(sealed, tagEnd, word);
    sealed.set(mki, mkiStart);
    return sealed;
  }

  /** What is signed and not encrypted: of RTCP the index, too, as if it stood behind it (RFC 7714 §9.2, §9.3). */
  #headOf(header: Uint8Array, word: number): Uint8Array {
    if (this.#isRtp) return header;
    const head = new Uint8Array(header.length + indexBytes);
    head.set(header);
    writeU32(head, header.length, word);
    return head;
  }
}
