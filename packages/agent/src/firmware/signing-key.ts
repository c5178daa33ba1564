import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** The key that signs packages: PKCS #8 PEM in a file that only its owner reads. Made at the first use. */
export function openSigningKey(file: string): { readonly key: KeyObject; readonly isNew: boolean } {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
    return { key: privateKey, isNew: true };
  }
  const key = readKey(file, () => createPrivateKey(readFileSync(file)));
  return { key, isNew: false };
}

/** The public key from a file (public or private PEM) or from its base64. */
export function openPublicKey(fileOrText: string): KeyObject {
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(fileOrText)) return publicKeyFrom(fileOrText);
  return readKey(fileOrText, () => createPublicKey(readFileSync(fileOrText)));
}

/** A raw ed25519 public key in base64 (44 characters), as agents have it in their configuration. */
export function publicKeyText(key: KeyObject): string {
  const { x } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return Buffer.from(x!, 'base64url').toString('base64');
}

/** The key of such a text. */
export function publicKeyFrom(text: string): KeyObject {
  const x = Buffer.from(text, 'base64').toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

function readKey(file: string, read: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch (cause) {
    throw new WatchpostError(`the key ${file} cannot be read — it must be a PEM file with an ed25519 key`, {
      kind: 'invalid_argument',
      code: 'FIRMWARE_KEY',
      cause,
    });
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new WatchpostError(`the key ${file} is of type ${key.asymmetricKeyType} — it must be ed25519`, {
    kind: 'invalid_argument',
    code: 'FIRMWARE_KEY',
  });
}
