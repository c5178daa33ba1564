import { constants } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { Dial } from './dial.ts';

const handshakeTimeoutMs = 10_000;

/** How to reach the other end, with TLS or without. */
export interface SecureTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** SHA-256 of its certificate, 64 hexadecimal digits in lower case: that one is trusted, and no other. */
  readonly fingerprint?: string | undefined;
}

/** What a connection is made with. */
export interface DialContext {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Splits `#fingerprint=HEX` from an address: what stands behind `#` never goes to a server (RFC 3986 §3.5). Throws
 * `invalid_argument` (`FINGERPRINT_INVALID`).
 */
export function splitFingerprint(address: string): { readonly url: string; readonly fingerprint?: string } {
  const match = /^(.*)#fingerprint=(.*)$/s.exec(address);
  if (match === null) return { url: address };
  const fingerprint = match[2]!.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(fingerprint)) return { url: match[1]!, fingerprint };
  throw new WatchpostError('"fingerprint" is not one of SHA-256 — write its 64 digits, with or without colons', {
    kind: 'invalid_argument',
    code: 'FINGERPRINT_INVALID',
  });
}

/** Whether `splitFingerprint` takes an address; throws what that throws. */
export function checkFingerprint({ url }: SourceUrl): void {
  splitFingerprint(url);
}

/**
 * Opens a connection whose bytes go to `onRead`, from a buffer that may be overwritten after the call. The certificate
 * must be the one that `fingerprint` names; without one it must be valid for the host and come from an authority that
 * this machine trusts. Rejects as `Dial`, and with `forbidden` (`CERTIFICATE_UNTRUSTED`, `CERTIFICATE_CHANGED`) or
 * `unavailable` (`TLS_FAILED`).
 */
export async function dialSecure(
  target: SecureTarget,
  context: DialContext,
  onRead?: (bytes: number, buffer: Uint8Array) => unknown,
): Promise<Socket> {
  const { host, port, tls } = target;
  const { dial, signal } = context;
  if (!tls) return dial({ host, port, signal, ...(onRead && { onRead }) });
  const secure = await secureSocket(await dial({ host, port, signal }), target, context);
  if (onRead) secure.on('data', (chunk: Buffer) => onRead(chunk.length, chunk));
  return secure;
}

/**
 * TLS over a socket that stands, with the certificate checked as `dialSecure` does. Rejects with `forbidden`, with
 * `unavailable` or `timeout` (`TLS_FAILED`); the socket is then destroyed.
 */
export async function secureSocket(
  socket: Socket,
  target: Pick<SecureTarget, 'host' | 'port' | 'fingerprint'>,
  { clock, signal }: Pick<DialContext, 'clock' | 'signal'>,
): Promise<TLSSocket> {
  const { host, fingerprint } = target;
  const secure = connect({
    socket,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: false,
    // One certificate is trusted for itself: what vouches for it is not its key's length or the age of the protocol.
    ...(fingerprint !== undefined && { ciphers: 'DEFAULT@SECLEVEL=0', minVersion: 'TLSv1' as const }),
    secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = clock.after(handshakeTimeoutMs, () => reject(failed('timeout', target, 'no answer to TLS')));
  const onAbort = () => reject(signal.reason);
  const onError = (error: Error) => reject(failed('unavailable', target, reasonOf(error), error));
  const onClose = () => reject(failed('unavailable', target, 'the connection was closed'));
  secure.once('secureConnect', resolve).once('error', onError).once('close', onClose);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
    checkCertificate(secure, target);
    return secure;
  } catch (thrown) {
    secure.on('error', () => {});
    secure.destroy();
    socket.destroy();
    throw thrown;
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
    secure.off('error', onError).off('close', onClose);
  }
}

function checkCertificate(secure: TLSSocket, { host, fingerprint }: Pick<SecureTarget, 'host' | 'fingerprint'>): void {
  const shown = secure.getPeerCertificate().fingerprint256 ?? '';
  if (fingerprint === undefined && secure.authorized) return;
  if (fingerprint !== undefined && shown.replaceAll(':', '').toLowerCase() === fingerprint) return;
  const context = { host, fingerprint: shown };
  if (fingerprint !== undefined)
    throw new WatchpostError(
      `the certificate of ${host} is not the one that was pinned, but ${shown} — if it got a new one, change the fingerprint behind its address; if not, somebody else answers`,
      { kind: 'forbidden', code: 'CERTIFICATE_CHANGED', context },
    );
  const why = String(secure.authorizationError ?? 'unknown').replace('Error: ', '');
  throw new WatchpostError(
    `the certificate of ${host} is not trusted (${why}) — compare ${shown} with what its own page or keeper shows, then write #fingerprint=${shown} behind its address`,
    { kind: 'forbidden', code: 'CERTIFICATE_UNTRUSTED', context },
  );
}

/** What OpenSSL means, without the places in its code that Node tells besides. */
function reasonOf(error: Error): string {
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
}

function failed(
  kind: 'timeout' | 'unavailable',
  { host, port }: Pick<SecureTarget, 'host' | 'port'>,
  why: string,
  cause?: Error,
): WatchpostError {
  return new WatchpostError(
    `${host}:${port} does not speak TLS as it should: ${why} — check that the port is the one for TLS`,
    {
      kind,
      code: 'TLS_FAILED',
      context: { host, port },
      cause,
    },
  );
}
