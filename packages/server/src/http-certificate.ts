import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { EventSink } from './catalog/types.ts';
import { Certificate, type ExpiringCertificate } from './net/certificate.ts';
import type { Base } from './parts.ts';

/** Tells, by the event `certificate.expiring`, of certificates that must be renewed; one that several ports share once. */
export function tellExpiring(events: EventSink): (certificate: ExpiringCertificate) => void {
  const told = new Map<string, number>();
  return ({ setting, certFile, daysLeft }) => {
    if (told.get(certFile) === daysLeft) return;
    told.set(certFile, daysLeft);
    const whose = setting === 'http.tls' ? 'this server' : setting.split('.')[1]!.toUpperCase() + 'S';
    events.emit({
      type: 'certificate.expiring',
      level: daysLeft < 0 ? 'error' : 'warning',
      message:
        daysLeft < 0
          ? `The certificate of ${whose} has expired: clients refuse it — renew the files of ${setting}`
          : `The certificate of ${whose} expires in ${daysLeft} days — renew the files of ${setting}`,
      data: { days_left: daysLeft, file: certFile, setting },
    });
  };
}

/**
 * The certificate of the shared HTTP server, read again when it is renewed; undefined where there is none. `onExpiring`
 * hears when it must be. Throws `invalid_argument` (`CERTIFICATE_INVALID`).
 */
export async function openHttpCertificate(
  { config, clock, logger, stack }: Base,
  onExpiring: (certificate: ExpiringCertificate) => void,
): Promise<Certificate | undefined> {
  const files = config.http.tls;
  if (files === undefined) return undefined;
  const { certFile } = files;
  const tell = (daysLeft: number) => onExpiring({ setting: 'http.tls', certFile, daysLeft });
  try {
    return stack.use(await Certificate.open(files, { clock, logger, onExpiring: tell }));
  } catch (thrown) {
    const { kind, code, message } = toWatchpostError(thrown);
    throw new WatchpostError(`http.tls: ${message}`, { kind, code, cause: thrown });
  }
}
