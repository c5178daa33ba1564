import { constants } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { CameraTarget, ConnectionContext } from './camera-socket.ts';

const handshakeTimeoutMs = 10_000;

/**
 * TLS over a socket to a camera. Its certificate must be the one that `fingerprint` names; without one, it must be
 * valid for the host and come from an authority that this machine trusts. Rejects with `forbidden`
 * (`RTSP_CERTIFICATE_UNTRUSTED`, `RTSP_CERTIFICATE_CHANGED`), `unavailable` (`RTSP_TLS_FAILED`) or `timeout`.
 */
export async function secureSocket(
  socket: Socket,
  target: Pick<CameraTarget, 'host' | 'port' | 'fingerprint'>,
  { clock, signal }: Pick<ConnectionContext, 'clock' | 'signal'>,
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
  const onError = (error: Error) => reject(failed('unavailable', target, error.message, error));
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

function checkCertificate(secure: TLSSocket, { host, fingerprint }: Pick<CameraTarget, 'host' | 'fingerprint'>): void {
  const shown = secure.getPeerCertificate().fingerprint256 ?? '';
  if (fingerprint === undefined && secure.authorized) return;
  if (fingerprint !== undefined && shown.replaceAll(':', '').toLowerCase() === fingerprint) return;
  if (fingerprint !== undefined)
    throw new WatchpostError(
      `the certificate of ${host} is not the one that was pinned, but ${shown} — if the camera got a new one, change "fingerprint" of this source; if not, somebody else answers`,
      { kind: 'forbidden', code: 'RTSP_CERTIFICATE_CHANGED', context: { host, fingerprint: shown } },
    );
  const why = String(secure.authorizationError ?? 'unknown').replace('Error: ', '');
  throw new WatchpostError(
    `the certificate of ${host} is not trusted (${why}) — compare ${shown} with what the camera's own page shows, then write #fingerprint=${shown} behind its address`,
    { kind: 'forbidden', code: 'RTSP_CERTIFICATE_UNTRUSTED', context: { host, fingerprint: shown } },
  );
}

function failed(
  kind: 'timeout' | 'unavailable',
  { host, port }: Pick<CameraTarget, 'host' | 'port'>,
  why: string,
  cause?: Error,
): WatchpostError {
  return new WatchpostError(
    `${host}:${port} does not speak TLS as it should: ${why} — check that the port is the one for RTSPS`,
    { kind, code: 'RTSP_TLS_FAILED', context: { host, port }, cause },
  );
}
