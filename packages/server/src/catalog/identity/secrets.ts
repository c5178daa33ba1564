import { argon2, createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const argon2Async = promisify(argon2);

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane; some 40 ms of one core. */
const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 };
const saltBytes = 16;

/** The argon2id hash (RFC 9106) of a password in PHC text form: `$argon2id$v=19$m=19456,t=2,p=1$SALT$TAG`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const tag = await derive(password, salt, cost);
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${base64(salt)}$${base64(tag)}`;
}

/** True if `password` is the one that `hash` was made of, whatever the costs were then. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const match = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d)\$([\w+/]{1,100})\$([\w+/]{1,100})$/.exec(hash);
  if (!match) return false;
  const [, memory, passes, parallelism, salt, tag] = match;
  const expected = Buffer.from(tag!, 'base64');
  const actual = await derive(password, Buffer.from(salt!, 'base64'), {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    tagLength: expected.length,
  });
  return timingSafeEqual(actual, expected);
}

/** A new random secret of 256 bits, URL-safe, with a prefix that tells people and scanners what it is. */
export function newSecret(prefix: string): string {
  return prefix + randomBytes(32).toString('base64url');
}

/** A new random id: not a secret. */
export function newId(): string {
  // Without '-': at the front it would make the id a flag on the command line.
  return randomBytes(9).toString('base64url').replaceAll('-', '_');
}

/** What is kept of a random secret; one pass of SHA-256 is enough for 256 random bits. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** Compares texts of any length in a time that tells nothing of the place where they differ. */
export function equalSecrets(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

async function derive(password: string, nonce: Uint8Array, costs: typeof cost): Promise<Buffer> {
  return Buffer.from(await argon2Async('argon2id', { message: password.normalize('NFC'), nonce, ...costs }));
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
