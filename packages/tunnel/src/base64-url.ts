import { WatchpostError } from '@watchpost/base/errors.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Bytes as text that fits into URLs and JSON, without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const triple = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const digits = Math.min(4, bytes.length - at + 1);
    for (let digit = 0; digit < digits; digit++) text += alphabet[(triple >> (18 - digit * 6)) & 63];
  }
  return text;
}

/** Reads what `toBase64Url` writes; anything else is `malformed` (`TUNNEL_BASE64`). The caller bounds the length. */
export function fromBase64Url(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (const character of text) {
    const value = alphabet.indexOf(character);
    if (value < 0) throw wrong();
    held = ((held << 6) | value) & 0xffffff;
    heldBits += 6;
    if (heldBits < 8) continue;
    heldBits -= 8;
    bytes[at++] = held >> heldBits;
  }
  if (text.length % 4 === 1) throw wrong();
  return bytes;
}

function wrong(): WatchpostError {
  return new WatchpostError('A key or signature is not base64url text', { kind: 'malformed', code: 'TUNNEL_BASE64' });
}
