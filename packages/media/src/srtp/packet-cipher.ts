import { writeU16, writeU32 } from '@watchpost/base/bytes.ts';
import { CounterMode } from './counter-mode.ts';
import type { PacketMac, SrtpCrypto } from './crypto.ts';
import { type SrtpKey, saltBytes } from './keys.ts';

const macKeyBytes = 20;
/** Labels of the keys for encryption; those for signing and salting follow (RFC 3711 §4.3.1, §4.3.2). */
const firstLabels = { rtp: 0, rtcp: 3 } as const;

/** Session keys of one kind of packets (RFC 3711 §4.3), as bytes. */
export interface SessionKeys {
  readonly cipherKey: Uint8Array;
  readonly macKey: Uint8Array;
  readonly salt: Uint8Array;
}

/** Derives them from a master key, once and for all: a key derivation rate of 0 (RFC 3711 §4.3.1). */
export function deriveSessionKeys(crypto: SrtpCrypto, key: SrtpKey, kind: 'rtp' | 'rtcp'): SessionKeys {
  const mode = new CounterMode(crypto.aes(key.masterKey));
  const derive = (label: number, bytes: number) => {
    mode.iv.set(key.masterSalt);
    mode.iv[7] = mode.iv[7]! ^ label;
    const derived = new Uint8Array(bytes);
    mode.apply(derived, 0, bytes);
    return derived;
  };
  const first = firstLabels[kind];
  return {
    cipherKey: derive(first, key.masterKey.length),
    macKey: derive(first + 1, macKeyBytes),
    salt: derive(first + 2, saltBytes),
  };
}

/** What one master key does with one kind of packets: encrypts, decrypts and signs them. */
export class PacketCipher {
  readonly #mode: CounterMode;
  readonly #mac: PacketMac;
  readonly #salt: Uint8Array;
  readonly #mask = new Uint8Array(saltBytes);

  constructor(crypto: SrtpCrypto, key: SrtpKey, kind: 'rtp' | 'rtcp') {
    const { cipherKey, macKey, salt } = deriveSessionKeys(crypto, key, kind);
    this.#mode = new CounterMode(crypto.aes(cipherKey));
    this.#mac = crypto.hmacSha1(macKey);
    this.#salt = salt;
  }

  /** Which packet comes next (RFC 3711 §4.1.1): 48 bits of index for RTP, 31 for RTCP. */
  select(ssrc: number, index: number): void {
    const { iv } = this.#mode;
    const salt = this.#salt;
    const mask = this.#mask;
    writeU32(mask, 4, ssrc);
    writeU16(mask, 8, Math.floor(index / 0x1_0000_0000));
    writeU32(mask, 10, index >>> 0);
    for (let i = 0; i < saltBytes; i++) iv[i] = salt[i]! ^ mask[i]!;
  }

  /** Encrypts or decrypts `bytes[start…end)` of the packet that was selected. */
  crypt(bytes: Uint8Array, start: number, end: number): void {
    this.#mode.apply(bytes, start, end);
  }

  /** The 20 bytes that a tag is the beginning of. */
  sign(bytes: Uint8Array, start: number, end: number): Uint8Array {
    return this.#mac.sign(bytes.subarray(start, end));
  }
}
