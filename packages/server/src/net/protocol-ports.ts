import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { BindAddress } from './bind-address.ts';
import { Certificate, type CertificateFiles, type ExpiringCertificate } from './certificate.ts';
import { LookAgain } from './look-again.ts';
import type { OpenPort } from './tcp-listeners.ts';

/** Where a protocol listens. */
export interface ListenSettings {
  readonly bind: BindAddress;
  readonly tls?: { readonly bind: BindAddress; readonly files: CertificateFiles } | undefined;
}

/** The ports of a protocol, with TLS and without; those are missing that are not wanted or could not be had yet. */
export interface ListeningPorts {
  readonly plain?: number;
  /** May come later, with the first certificate that is one, and go with the last. */
  readonly tls?: number;
}

/** What ports are opened with. */
export interface ProtocolPortsParts {
  /** Name of the section, `[protocols.NAME]`. */
  readonly protocol: string;
  readonly server: { listen(bind: BindAddress, certificate?: Certificate): Promise<OpenPort> };
  /** As the section says now. */
  readonly settings: () => ListenSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called once a day while the certificate for TLS must be renewed. */
  readonly onExpiring?: ((certificate: ExpiringCertificate) => void) | undefined;
}

/**
 * The ports of a protocol, open as its section says. One that cannot be had is logged: cameras, console and recorder work
 * without, and it is tried again every 10 s. That for TLS opens as soon as its files are a certificate and the key to it; it
 * closes, for new connections, where the section names none any longer.
 */
export class ProtocolPorts implements Disposable {
  readonly #parts: ProtocolPortsParts;
  readonly #ports: { plain?: number; tls?: number } = {};
  #certificate: Certificate | undefined;
  #tlsPort: OpenPort | undefined;
  /** Why a port is missing, as it was logged. */
  readonly #told = { plain: '', tls: '' };
  readonly #looks: LookAgain;

  private constructor(parts: ProtocolPortsParts) {
    this.#parts = parts;
    this.#looks = new LookAgain(parts.clock, () => this.#look());
  }

  /** Opens what can be had. Never rejects. */
  static async open(parts: ProtocolPortsParts): Promise<ProtocolPorts> {
    const ports = new ProtocolPorts(parts);
    await ports.look();
    return ports;
  }

  /** Always the same object. */
  get open(): ListeningPorts {
    return this.#ports;
  }

  /** Looks at the section, at what is missing and at the files of the certificate now. */
  look(): Promise<void> {
    return this.#looks.now();
  }

  /** Forgets the certificate; the ports are their server's. */
  [Symbol.dispose](): void {
    this.#looks[Symbol.dispose]();
    this.#certificate?.[Symbol.dispose]();
  }

  async #look(): Promise<{ isMissing: boolean }> {
    const { bind, tls } = this.#parts.settings();
    if (this.#ports.plain === undefined) await this.#listen('plain', bind);
    if (tls === undefined) this.#closeTls();
    else await this.#lookAtTls(tls);
    return { isMissing: this.#ports.plain === undefined || (tls !== undefined && this.#ports.tls === undefined) };
  }

  async #lookAtTls({ bind, files }: NonNullable<ListenSettings['tls']>): Promise<void> {
    if (this.#certificate === undefined) await this.#openCertificate(files);
    else await this.#certificate.look();
    const certificate = this.#certificate;
    if (certificate === undefined || this.#ports.tls !== undefined || this.#looks.isDisposed) return;
    this.#tlsPort = await this.#listen('tls', bind, certificate);
  }

  async #openCertificate(files: CertificateFiles): Promise<void> {
    const { protocol, clock, logger, settings, onExpiring } = this.#parts;
    const setting = `protocols.${protocol}.tls_cert`;
    try {
      const certificate = await Certificate.open(() => settings().tls?.files ?? files, {
        ...{ clock, logger },
        onExpiring: (daysLeft, { certFile }) => onExpiring?.({ setting, certFile, daysLeft }),
      });
      if (this.#looks.isDisposed) certificate[Symbol.dispose]();
      else this.#certificate = certificate;
    } catch (thrown) {
      this.#tell('tls', `${setting}: ${(thrown as Error).message}; the port for TLS opens once they are`, thrown);
    }
  }

  #closeTls(): void {
    if (this.#certificate === undefined) return;
    this.#certificate[Symbol.dispose]();
    this.#certificate = undefined;
    this.#tlsPort?.stop();
    this.#tlsPort = undefined;
    delete this.#ports.tls;
  }

  async #listen(key: 'plain' | 'tls', bind: BindAddress, certificate?: Certificate): Promise<OpenPort | undefined> {
    const { server, logger } = this.#parts;
    try {
      const port = await server.listen(bind, certificate);
      if (this.#looks.isDisposed) {
        port.stop();
        return undefined;
      }
      logger.info('Listening', { host: port.host, port: port.port, ...(key === 'tls' && { tls: true }) });
      this.#told[key] = '';
      this.#ports[key] = port.port;
      return port;
    } catch (thrown) {
      this.#tell(key, (thrown as Error).message, thrown);
      return undefined;
    }
  }

  /** Once for each reason: who has a port is found out only at times. */
  #tell(key: 'plain' | 'tls', why: string, error: unknown): void {
    const reason = error instanceof WatchpostError ? `${error.code} ${error.context['port'] ?? why}` : why;
    if (this.#told[key] !== reason) this.#parts.logger.error(why, { error });
    this.#told[key] = reason;
  }
}
