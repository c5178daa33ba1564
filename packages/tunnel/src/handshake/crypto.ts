/** An ed25519 key pair in the form that is stored: raw public key of 32 bytes, private key as PKCS #8. */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** The cryptography that the handshake needs; injected, so that a platform without WebCrypto can bring its own. */
export interface HandshakeCrypto {
  randomBytes(count: number): Uint8Array;
  makeKeyPair(): Promise<KeyPair>;
  /** An ed25519 signature (RFC 8032). */
  sign(privateKey: Uint8Array, message: Uint8Array): Promise<Uint8Array>;
  /** False for keys and signatures of a wrong form, too. */
  verify(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean>;
  sha256(bytes: Uint8Array): Promise<Uint8Array>;
  /** HMAC-SHA-256 (RFC 2104). */
  hmac(key: Uint8Array, message: Uint8Array): Promise<Uint8Array>;
}

/** What of WebCrypto is used; a structural type, because this package knows neither DOM nor Node. */
interface Subtle {
  generateKey(algorithm: string, extractable: boolean, usages: string[]): Promise<unknown>;
  importKey(...parameters: [string, Uint8Array, unknown, boolean, string[]]): Promise<unknown>;
  exportKey(format: string, key: unknown): Promise<unknown>;
  sign(algorithm: string, key: unknown, message: Uint8Array): Promise<ArrayBuffer>;
  verify(...parameters: [string, unknown, Uint8Array, Uint8Array]): Promise<boolean>;
  digest(algorithm: string, bytes: Uint8Array): Promise<ArrayBuffer>;
}

interface WebCrypto {
  readonly subtle: unknown;
  getRandomValues(bytes: Uint8Array): unknown;
}

const ed25519 = 'Ed25519';
const hmacSha256 = { name: 'HMAC', hash: 'SHA-256' };

/** The platform's WebCrypto: `globalThis.crypto` in browsers, Node, Deno and Bun. */
export function webCrypto(platform: WebCrypto): HandshakeCrypto {
  const subtle = platform.subtle as Subtle;
  return {
    randomBytes: (count) => {
      const bytes = new Uint8Array(count);
      platform.getRandomValues(bytes);
      return bytes;
    },
    makeKeyPair: async () => {
      const pair = (await subtle.generateKey(ed25519, true, ['sign', 'verify'])) as {
        publicKey: unknown;
        privateKey: unknown;
      };
      return {
        publicKey: new Uint8Array((await subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer),
        privateKey: new Uint8Array((await subtle.exportKey('pkcs8', pair.privateKey)) as ArrayBuffer),
      };
    },
    sign: async (privateKey, message) => {
      const key = await subtle.importKey('pkcs8', privateKey, ed25519, false, ['sign']);
      return new Uint8Array(await subtle.sign(ed25519, key, message));
    },
    verify: async (publicKey, signature, message) => {
      if (publicKey.length !== 32 || signature.length !== 64) return false;
      try {
        const key = await subtle.importKey('raw', publicKey, ed25519, false, ['verify']);
        return await subtle.verify(ed25519, key, signature, message);
      } catch {
        return false;
      }
    },
    sha256: async (bytes) => new Uint8Array(await subtle.digest('SHA-256', bytes)),
    hmac: async (key, message) => {
      const imported = await subtle.importKey('raw', key, hmacSha256, false, ['sign']);
      return new Uint8Array(await subtle.sign('HMAC', imported, message));
    },
  };
}

/** Compares without telling by its duration where the difference is. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
