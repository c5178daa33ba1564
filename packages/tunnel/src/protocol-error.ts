import { readU64 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** The other end did what SPEC.md forbids; the session ends with the reason `protocol`. */
export function protocolError(what: string): WatchpostError {
  return new WatchpostError(`The other end of the tunnel broke the protocol: ${what}`, {
    kind: 'malformed',
    code: 'TUNNEL_PROTOCOL',
  });
}

/** Reads a payload that is one 64-bit number. */
export function readNumber(payload: Uint8Array): number {
  if (payload.length !== 8) throw protocolError('a number is not 64 bits long');
  return readU64(payload, 0);
}
