/** Base64 (RFC 4648 §4), with or without padding, to bytes; undefined for anything else. */
export function fromBase64(text: string): Uint8Array | undefined {
  const clean = text.trim().replace(/=+$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(clean) || clean.length % 4 === 1) return undefined;
  return Uint8Array.from(atob(clean), (c) => c.charCodeAt(0));
}
