import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { EventSink } from './catalog/types.ts';
import { Certificate } from './net/certificate.ts';
import type { Base } from './parts.ts';

/**
 * The certificate of the shared HTTP server, read again when it is renewed; undefined where there is none. The event
 * `certificate.expiring` tells when it must be. Throws `invalid_argument` (`CERTIFICATE_INVALID`).
 */
export async function openHttpCertificate(parts: Base & { events: EventSink }): Promise<Certificate | undefined> {
  const { config, clock, logger, stack, events } = parts;
  const files = config.http.tls;
  if (files === undefined) return undefined;
  const onExpiring = (daysLeft: number) =>
    events.emit({
      type: 'certificate.expiring',
      level: daysLeft < 0 ? 'error' : 'warning',
      message:
        daysLeft < 0
          ? 'The certificate of this server has expired: browsers refuse it — renew the files of http.tls'
          : `The certificate of this server expires in ${daysLeft} days — renew the files of http.tls`,
      data: { days_left: daysLeft, file: files.certFile },
    });
  try {
    return stack.use(await Certificate.open(files, { clock, logger, onExpiring }));
  } catch (thrown) {
    const { kind, code, message } = toWatchpostError(thrown);
    throw new WatchpostError(`http.tls: ${message}`, { kind, code, cause: thrown });
  }
}
