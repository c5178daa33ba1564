import { createHmac } from 'node:crypto';
import { equalSecrets } from '../../catalog/identity/secrets.ts';

/** What a signed address may be used for. */
export type MediaAction = 'live' | 'playback';

const letters: Readonly<Record<MediaAction, string>> = { live: 'l', playback: 'p' };
/** 128 of the 256 bits of HMAC-SHA-256 (RFC 2104 §5): short addresses, and nobody guesses them. */
const tagBytes = 16;
const tokenPattern = /^([lp])([0-9a-z]{1,9})\.([ut]\w{1,40})\.([\w-]{22})$/;

/**
 * The `?token=` of a media address: `l` or `p`, the expiry in seconds since 1970 in base 36, `.`, for whom it was made,
 * `.`, the tag. It is good for one stream and one action until `expiresMs`, or until that user or token may no longer see
 * the stream; the stream's id is in the tag, not in the text.
 */
export function signMediaToken(
  key: Uint8Array,
  grant: {
    readonly streamId: string;
    readonly action: MediaAction;
    readonly expiresMs: number;
    /** `u` and the id of a user, or `t` and that of an API token. */
    readonly grantee: string;
  },
): string {
  const head = `${letters[grant.action]}${Math.ceil(grant.expiresMs / 1000).toString(36)}.${grant.grantee}`;
  return `${head}.${tagOf(key, head, grant.streamId)}`;
}

/** Whom `token` was made for, where it opens this stream for this action at `nowMs`. */
export function checkMediaToken(
  key: Uint8Array,
  token: string,
  wanted: { readonly streamId: string; readonly action: MediaAction; readonly nowMs: number },
): { readonly grantee: string } | 'expired' | 'wrong' {
  const match = tokenPattern.exec(token);
  if (!match) return 'wrong';
  const [, letter, expiry, grantee, tag] = match;
  const expected = tagOf(key, `${letter}${expiry}.${grantee}`, wanted.streamId);
  // As texts: the last letter has four bits that mean nothing, so that other letters in its place are the same bytes.
  if (!equalSecrets(tag!, expected)) return 'wrong';
  if (letter !== letters[wanted.action]) return 'wrong';
  return Number.parseInt(expiry!, 36) * 1000 > wanted.nowMs ? { grantee: grantee! } : 'expired';
}

function tagOf(key: Uint8Array, head: string, streamId: string): string {
  const hmac = createHmac('sha256', key).update(`watchpost media 2\n${head}\n${streamId}`).digest();
  return hmac.subarray(0, tagBytes).toString('base64url');
}
