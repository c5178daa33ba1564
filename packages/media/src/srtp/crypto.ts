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

/** What SRTP asks of a cryptographic library. */
export interface SrtpCrypto {
  /** `key`: 16 or 32 bytes. */
  aes(key: Uint8Array): BlockCipher;
  hmacSha1(key: Uint8Array): PacketMac;
  /** So many bytes that nobody can guess. */
  random(bytes: number): Uint8Array;
}
