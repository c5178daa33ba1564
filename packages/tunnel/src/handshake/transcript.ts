import { toBase64Url } from '../base64-url.ts';
import { utf8 } from '../json-object.ts';
import type { HandshakeCrypto } from './crypto.ts';
import type { Challenge, Proof } from './messages.ts';

/** What the server signs: everything said so far, and that a server says it. */
export async function serverTranscript(
  crypto: HandshakeCrypto,
  hello: Uint8Array,
  challenge: Pick<Challenge, 'version' | 'serverKey' | 'nonce'>,
): Promise<Uint8Array> {
  return utf8(`watchpost tunnel server\n${await common(crypto, hello, challenge)}`);
}

/** What the agent signs: the same, and the session that it wants to go on with. */
export async function agentTranscript(
  crypto: HandshakeCrypto,
  hello: Uint8Array,
  said: { challenge: Pick<Challenge, 'version' | 'serverKey' | 'nonce'>; resume: Proof['resume'] },
): Promise<Uint8Array> {
  const { challenge, resume } = said;
  const wish = resume ? `${resume.session}\n${resume.received}` : '\n';
  return utf8(`watchpost tunnel agent\n${await common(crypto, hello, challenge)}\n${wish}`);
}

async function common(
  crypto: HandshakeCrypto,
  hello: Uint8Array,
  { version, serverKey, nonce }: Pick<Challenge, 'version' | 'serverKey' | 'nonce'>,
): Promise<string> {
  const hash = await crypto.sha256(hello);
  return [toBase64Url(hash), version, toBase64Url(serverKey), toBase64Url(nonce)].join('\n');
}
