import { createHmac } from 'node:crypto';

/**
 * Value of `X-Watchpost-Signature`: `sha256=` and the HMAC-SHA-256 (RFC 2104), in hexadecimal, of the value of
 * `X-Watchpost-Timestamp`, a dot, and the body. A receiver refuses what is older than some minutes.
 */
export function signBody(secret: string, timestamp: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}
