import { WatchpostError } from '@watchpost/base/errors.ts';

/** The error for keys that media are encrypted with in a way that nobody here can undo. */
export function keysUnsupported(what: string): WatchpostError {
  return new WatchpostError(
    `the camera encrypts its media with ${what} — choose AES_CM_128_HMAC_SHA1_80 on the device, or switch SRTP off there`,
    { kind: 'unsupported', code: 'SRTP_KEYS_UNSUPPORTED' },
  );
}
