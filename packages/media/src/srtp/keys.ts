/** How packets are protected. */
export interface SrtpPolicy {
  /** AES in counter mode with HMAC-SHA-1 (RFC 3711 §4, RFC 6188), or AES-GCM (RFC 7714). */
  readonly cipher: 'aes-cm' | 'aes-gcm';
  /** Bytes of a master key. */
  readonly keyBytes: 16 | 32;
  /** Bytes of the tag of each RTP packet: 10 or 4; with AES-GCM 16. */
  readonly rtpTagBytes: number;
  /** Bytes of the tag of each RTCP packet: 10 or 4; with AES-GCM 16. */
  readonly rtcpTagBytes: number;
  /** False where RTP is signed only; AES-GCM always encrypts it. */
  readonly encryptsRtp: boolean;
  /** False where RTCP is signed only. */
  readonly encryptsRtcp: boolean;
}

/** One master key. */
export interface SrtpKey {
  /** As long as the policy says. */
  readonly masterKey: Uint8Array;
  /** 14 bytes; with AES-GCM 12. */
  readonly masterSalt: Uint8Array;
  /** The master key identifier in each packet (RFC 3711 §3.1); empty where packets carry none. */
  readonly mki: Uint8Array;
}

/** What one side protects its packets with. */
export interface SrtpKeys {
  readonly policy: SrtpPolicy;
  /** At least one, their identifiers of one length; the first one is used to send. */
  readonly keys: readonly SrtpKey[];
  /** Roll-over counters that were told (RFC 3711 §3.3.1), by SSRC; others begin at 0. */
  readonly rollOvers: ReadonlyMap<number, number>;
}

/** AES_CM_128_HMAC_SHA1_80 (RFC 4568 §6.2.1). */
export const defaultPolicy: SrtpPolicy = {
  ...{ cipher: 'aes-cm', keyBytes: 16, rtpTagBytes: 10, rtcpTagBytes: 10 },
  ...{ encryptsRtp: true, encryptsRtcp: true },
};

/** Bytes of a master salt (RFC 3711 §5.3, RFC 7714 §12). */
export function saltBytesOf(cipher: SrtpPolicy['cipher']): 12 | 14 {
  return cipher === 'aes-gcm' ? 12 : 14;
}
