/** AES with one key (FIPS 197), block by block. */
export interface BlockCipher {
  /** Encrypts whole blocks of 16 bytes. */
  encrypt(blocks: Uint8Array): Uint8Array;
}

/** HMAC-SHA-1 with one key (RFC 2104). */
export interface PacketMac {
  /** 20 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** AES-GCM with one key (NIST SP 800-38D), nonces of 12 bytes and tags of 16. */
export interface AeadCipher {
  /** `plain` encrypted, and behind it the tag that signs it and `head`. */
  seal(nonce: Uint8Array, head: Uint8Array, plain: Uint8Array): Uint8Array;
  /** What was sealed; undefined where the tag is of other bytes. */
  open(nonce: Uint8Array, head: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/** What SRTP asks of a cryptographic library. */
export interface SrtpCrypto {
  /** `key`: 16 or 32 bytes. */
  aes(key: Uint8Array): BlockCipher;
  hmacSha1(key: Uint8Array): PacketMac;
  /** `key`: 16 or 32 bytes. */
  aesGcm(key: Uint8Array): AeadCipher;
  /** So many bytes that nobody can guess. */
  random(bytes: number): Uint8Array;
}
