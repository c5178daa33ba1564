import { fromBase64, toBase64 } from '@watchpost/base/base64.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** Bytes as text that fits into URLs and JSON, without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Reads what `toBase64Url` writes; anything else is `malformed` (`TUNNEL_BASE64`). The caller bounds the length. */
export function fromBase64Url(text: string): Uint8Array {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1)
    throw new WatchpostError('A key or signature is not base64url text', { kind: 'malformed', code: 'TUNNEL_BASE64' });
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'));
}
