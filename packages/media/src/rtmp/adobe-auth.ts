import { toBase64 } from '@watchpost/base/base64.ts';
import { md5 } from '@watchpost/base/hash/md5.ts';

/** A login as a server of Adobe's kind asks for it (`authmod=adobe`), which encoders and FFmpeg know. */
export interface AdobeChallenge {
  readonly salt: string;
  readonly challenge: string;
  readonly opaque: string;
}

/** What a refusal of `connect` asks for. */
export type AdobeAsk = { readonly ask: 'user' } | ({ readonly ask: 'proof' } & AdobeChallenge) | undefined;

/** Reads the description of a refusal: `[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=…&salt=…`. */
export function readAdobeAsk(description: string): AdobeAsk {
  if (!description.includes('authmod=adobe')) return undefined;
  const at = description.indexOf('?');
  const fields = new URLSearchParams(at < 0 ? '' : description.slice(at).trim());
  if (fields.get('reason') === 'authfailed' || fields.get('reason') === 'nosuchuser') return undefined;
  const salt = fields.get('salt')?.replaceAll(' ', '+') ?? '';
  if (salt === '') return { ask: 'user' };
  const challenge = fields.get('challenge')?.replaceAll(' ', '+') ?? '';
  const opaque = fields.get('opaque')?.replaceAll(' ', '+') ?? '';
  return { ask: 'proof', salt, challenge, opaque };
}

/** The query that asks for a challenge. */
export function adobeUserQuery(username: string): string {
  return `authmod=adobe&user=${encodeURIComponent(username)}`;
}

/** The query that proves the password; `ours` is a challenge of our own, 8 hexadecimal digits. */
export function adobeProofQuery(
  login: { readonly username: string; readonly password: string },
  asked: AdobeChallenge,
  ours: string,
): string {
  const { username, password } = login;
  const secret = base64Md5(username + asked.salt + password);
  const response = base64Md5(secret + (asked.opaque !== '' ? asked.opaque : asked.challenge) + ours);
  const opaque = asked.opaque === '' ? '' : `&opaque=${asked.opaque}`;
  return `${adobeUserQuery(username)}&challenge=${ours}&response=${response}${opaque}`;
}

function base64Md5(text: string): string {
  return toBase64(md5(new TextEncoder().encode(text)));
}
