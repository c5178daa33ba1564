import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { EventSink } from './catalog/types.ts';
import type { Config } from './config/types.ts';
import {
  Certificate,
  type CertificateFiles,
  type CertificateText,
  type ExpiringCertificate,
} from './net/certificate.ts';
import { LookAgain } from './net/look-again.ts';
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

/** All certificates that the configuration names, by their keys: `http.tls`, `protocols.rtsp`. */
export function certificatesOf({ http, protocols }: Config): ReadonlyMap<string, CertificateFiles> {
  const named = new Map<string, CertificateFiles>();
  if (http.tls) named.set('http.tls', http.tls);
  for (const name of protocols.enabled) {
    const { tls_cert: certFile, tls_key: keyFile } = protocols.sections[name] ?? {};
    if (typeof certFile !== 'string') continue;
    named.set(`protocols.${name}`, { certFile, keyFile: typeof keyFile === 'string' ? keyFile : certFile });
  }
  return named;
}

/** What is wrong with certificates that the configuration names, each with its key and the cure. */
export async function wrongCertificates(config: Config, clock: Clock): Promise<string[]> {
  const found = await Promise.all(
    [...certificatesOf(config)].map(async ([key, files]) => {
      try {
        using _readable = await Certificate.open(() => files, { clock, logger: silentLogger });
        return [];
      } catch (thrown) {
        return [`${key}: ${(thrown as Error).message}; the server goes on with what it had`];
      }
    }),
  );
  return found.flat();
}

/** What speaks HTTPS with a certificate, and HTTP without. */
export interface Securable {
  secure(certificate: CertificateText | undefined): void;
}

/**
 * The certificate of `http.tls`, for all that is served with it: read again when it is renewed or the configuration names
 * another, and there or not as the configuration has it. Files that are none yet are looked at every 10 s until they are.
 */
export class HttpCertificate implements Disposable {
  readonly #parts: Base;
  readonly #served: readonly Securable[];
  readonly #onExpiring: (certificate: ExpiringCertificate) => void;
  readonly #looks: LookAgain;
  #certificate: Certificate | undefined;
  /** Why there is none, as it was logged. */
  #told = '';

  private constructor(
    parts: Base,
    served: readonly Securable[],
    onExpiring: (certificate: ExpiringCertificate) => void,
  ) {
    this.#parts = parts;
    this.#served = served;
    this.#onExpiring = onExpiring;
    this.#looks = new LookAgain(parts.clock, () => this.#look());
  }

  /**
   * Reads it, if there is one. `onExpiring` hears when it must be renewed. Throws `invalid_argument`
   * (`CERTIFICATE_INVALID`).
   */
  static async open(
    parts: Base,
    served: readonly Securable[],
    onExpiring: (certificate: ExpiringCertificate) => void,
  ): Promise<HttpCertificate> {
    const opened = new HttpCertificate(parts, served, onExpiring);
    await opened.#begin();
    return opened;
  }

  /** Brings it to the configuration. Files that are no certificate change nothing for now, and are logged. */
  configure(): Promise<void> {
    return this.#looks.now();
  }

  [Symbol.dispose](): void {
    this.#looks[Symbol.dispose]();
    this.#close();
  }

  async #look(): Promise<{ isMissing: boolean }> {
    const { tls } = this.#parts.running.config.http;
    if (tls === undefined) this.#end();
    else if (this.#certificate) await this.#certificate.look();
    else await this.#begin().catch((thrown: Error) => this.#tell(thrown));
    return { isMissing: tls !== undefined && this.#certificate === undefined };
  }

  async #begin(): Promise<void> {
    const { running, clock, logger } = this.#parts;
    const files = running.config.http.tls;
    if (files === undefined) return;
    const onExpiring = (daysLeft: number, { certFile }: CertificateFiles) =>
      this.#onExpiring({ setting: 'http.tls', certFile, daysLeft });
    try {
      const named = () => running.config.http.tls ?? files;
      this.#certificate = await Certificate.open(named, { clock, logger, onExpiring });
    } catch (thrown) {
      const { kind, code, message } = toWatchpostError(thrown);
      throw new WatchpostError(`http.tls: ${message}`, { kind, code, cause: thrown });
    }
    if (this.#looks.isDisposed) return this.#close();
    if (this.#told !== '') logger.info('HTTPS begins', { file: files.certFile });
    this.#told = '';
    this.#secure(this.#certificate.text);
    this.#certificate.onChange((text) => this.#secure(text));
  }

  #close(): void {
    this.#certificate?.[Symbol.dispose]();
    this.#certificate = undefined;
  }

  /** Once for each reason. */
  #tell(error: Error): void {
    const why = `${error.message}; HTTPS begins once they are`;
    if (this.#told !== why) this.#parts.logger.error(why, { error });
    this.#told = why;
  }

  #end(): void {
    this.#told = '';
    if (this.#certificate === undefined) return;
    this.#close();
    this.#secure(undefined);
  }

  #secure(text: CertificateText | undefined): void {
    for (const one of this.#served) one.secure(text);
  }
}
