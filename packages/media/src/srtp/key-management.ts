import { toBase64 } from '@watchpost/base/base64.ts';
import { malformed } from '../codec/malformed.ts';
import { fromBase64 } from './base64.ts';
import { type MikeyMessage, parseMikey, writeMikey } from './mikey.ts';

const maxChars = 16_384;

/** Reads the value of `a=key-mgmt` (RFC 4567 §3.1): `mikey BASE64`. Undefined for other protocols; throws what `parseMikey` throws. */
export function parseKeyMgmtAttribute(value: string): MikeyMessage | undefined {
  const [, data] = /^mikey\s+(\S+)$/i.exec(value.trim()) ?? [];
  return data === undefined ? undefined : mikeyOf(data);
}

/** Reads a `KeyMgmt` header (RFC 4567 §3.2): `prot=mikey;uri="…";data="BASE64"`. Undefined for other protocols; throws what `parseMikey` throws. */
export function parseKeyMgmtHeader(value: string): MikeyMessage | undefined {
  if (!/prot\s*=\s*"?mikey\b/i.test(value)) return undefined;
  const [, data] = /data\s*=\s*"?\s*([A-Za-z0-9+/=]+)/i.exec(value) ?? [];
  return data === undefined ? undefined : mikeyOf(data);
}

/** Writes a `KeyMgmt` header for the track at `url`. */
export function writeKeyMgmtHeader(message: MikeyMessage, url: string): string {
  return `prot=mikey;uri="${url}";data="${toBase64(writeMikey(message))}"`;
}

function mikeyOf(base64: string): MikeyMessage {
  const bytes = base64.length > maxChars ? undefined : fromBase64(base64);
  if (bytes === undefined) throw malformed('MIKEY_BASE64', 'A MIKEY message is not Base64.');
  return parseMikey(bytes);
}
