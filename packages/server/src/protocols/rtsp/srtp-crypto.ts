import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { AeadCipher, SrtpCrypto } from '@watchpost/media/srtp/crypto.ts';

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
  aesGcm,
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
};

const gcmTagBytes = 16;

function aesGcm(key: Uint8Array): AeadCipher {
  const name = key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm';
  const secret = createSecretKey(key);
  return {
    seal: (nonce, head, plain) => {
      const cipher = createCipheriv(name, secret, nonce).setAAD(head);
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open: (nonce, head, sealed) => {
      const tagStart = sealed.length - gcmTagBytes;
      const cipher = createDecipheriv(name, secret, nonce, { authTagLength: gcmTagBytes }).setAAD(head);
      cipher.setAuthTag(sealed.subarray(tagStart));
      const plain = cipher.update(sealed.subarray(0, tagStart));
      try {
        cipher.final();
        return plain;
      } catch {
        return undefined;
      }
    },
  };
}
