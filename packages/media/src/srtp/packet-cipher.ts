import { CounterPacketCipher } from './counter-packet-cipher.ts';
import type { SrtpCrypto } from './crypto.ts';
import { GcmPacketCipher } from './gcm-packet-cipher.ts';
import type { SrtpKey, SrtpPolicy } from './keys.ts';
import { deriveSessionKeys, type PacketKind, type SessionKeys } from './session-keys.ts';

/** What one master key does with one kind of packets. */
export interface PacketCipher {
  /** Which packet comes next: 48 bits of index for RTP (RFC 3711 §3.3.1), 31 for RTCP. */
  select(ssrc: number, index: number): void;
  /**
   * Decrypts the packet that was selected where it lies: `bytes[start…plainEnd)` once it is plain, its tag behind that, and
   * an RTCP packet's index. False where it is not genuine: then nothing is changed.
   */
  open(bytes: Uint8Array, start: number, plainEnd: number): boolean;
  /** The packet that was selected, as it is sent. */
  seal(packet: Uint8Array): Uint8Array;
}

/** What ciphers of either sort are made of. */
export interface PacketCipherOptions {
  readonly crypto: SrtpCrypto;
  readonly policy: SrtpPolicy;
  readonly keys: SessionKeys;
  /** The master key's identifier. */
  readonly mki: Uint8Array;
  readonly kind: PacketKind;
}

/** Throws what a cryptographic library throws for keys of other lengths than the policy's. */
export function createPacketCipher(
  crypto: SrtpCrypto,
  key: SrtpKey,
  packets: { readonly policy: SrtpPolicy; readonly kind: PacketKind },
): PacketCipher {
  const options = { ...packets, crypto, mki: key.mki, keys: deriveSessionKeys(crypto, key, packets.kind) };
  return packets.policy.cipher === 'aes-gcm' ? new GcmPacketCipher(options) : new CounterPacketCipher(options);
}
