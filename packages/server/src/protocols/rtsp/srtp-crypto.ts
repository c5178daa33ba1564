import { createCipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { SrtpCrypto } from '@watchpost/media/srtp/crypto.ts';

/** AES and HMAC of OpenSSL, for SRTP: one cipher lasts as long as its key, since to make one costs more than a packet. */
export const srtpCrypto: SrtpCrypto = {
  aes: (key) => {
    const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
    return { encrypt: (blocks) => cipher.update(blocks) };
  },
  hmacSha1: (key) => {
    const secret = createSecretKey(key);
    return { sign: (message) => createHmac('sha1', secret).update(message).digest() };
  },
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
};
