import { CounterMode } from './counter-mode.ts';
import type { SrtpCrypto } from './crypto.ts';
import type { SrtpKey } from './keys.ts';

/** RTP and RTCP have session keys of their own. */
export type PacketKind = 'rtp' | 'rtcp';

const macKeyBytes = 20;
/** Labels of the keys for encryption; those for signing and salting follow (RFC 3711 §4.3.1, §4.3.2). */
const firstLabels = { rtp: 0, rtcp: 3 } as const;

/** Session keys of one kind of packets (RFC 3711 §4.3), as bytes. */
export interface SessionKeys {
  readonly cipherKey: Uint8Array;
  /** 20 bytes, which AES-GCM has no use for. */
  readonly macKey: Uint8Array;
  /** As long as the master salt. */
  readonly salt: Uint8Array;
}

/**
 * Derives them from a master key, once and for all: a key derivation rate of 0 (RFC 3711 §4.3.1). The shorter salt of
 * AES-GCM goes first, zeros behind it (RFC 7714 §11).
 */
export function deriveSessionKeys(crypto: SrtpCrypto, key: SrtpKey, kind: PacketKind): SessionKeys {
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
    salt: derive(first + 2, key.masterSalt.length),
  };
}
