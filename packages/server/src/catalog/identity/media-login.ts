import { createHmac } from 'node:crypto';

/**
 * The password of an API token's RTSP login, whose user name is the token's id: 128 bits of HMAC-SHA-256, computed whenever it
 * is needed. Unlike the token, which is kept as a hash, it can be checked by Digest, and it opens media only.
 */
export function rtspPasswordOf(mediaKey: Uint8Array, tokenId: string): string {
  const tag = createHmac('sha256', mediaKey).update(`watchpost rtsp login 1\n${tokenId}`).digest();
  return tag.subarray(0, 16).toString('base64url');
}
