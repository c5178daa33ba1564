import net from 'node:net';
import tls from 'node:tls';
import { type Clock, sleep } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { type BindAddress, formatBind } from './bind-address.ts';
import { Certificate, type CertificateFiles, type ExpiringCertificate } from './certificate.ts';
import { findPortHolder } from './port-holder.ts';

const backlog = 4096;
const handshakeMs = 10_000;
/** A dead client without traffic is found in some minutes. */
const keepAliveMs = 60_000;
const minVersion = 'TLSv1.2';
/** How often files that are no certificate yet are looked at. */
const lookEveryMs = 10_000;

/** Who listens, and for what. */
export interface TcpListenersOptions {
  /** Name of its section, `[protocols.NAME]`; in capitals it begins the codes of its errors. */
  readonly protocol: string;
  readonly logger: Logger;
  /** Of one address; asked for at each new connection. */
  readonly maxConnections: () => number;
  /** For sockets that `readShared` takes over. */
  readonly pauseOnConnect?: boolean;
  /** A client; `isTls`: its handshake is over. */
  readonly accept: (socket: net.Socket, isTls: boolean) => void;
}

/** The TCP ports of one protocol, with TLS and without. */
export class TcpListeners implements AsyncDisposable {
  readonly #options: TcpListenersOptions;
  readonly #servers: net.Server[] = [];
  /** As the servers made them: those that are not through with TLS yet among them. */
  readonly #sockets = new Set<net.Socket>();

  constructor(options: TcpListenersOptions) {
    this.#options = options;
  }

  /**
   * Binds, once for each address; with a certificate for TLS. Throws `unavailable` (`NAME_PORT_TAKEN`,
   * `NAME_BIND_FAILED`); resolves to where it listens.
   */
  async listen(bind: BindAddress, certificate?: Certificate): Promise<BindAddress> {
    const server = this.#createServer(certificate);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: bind.host, port: bind.port, backlog }, () => {
        server.off('error', reject);
        resolve();
      });
    }).catch(async (thrown) => {
      throw await this.#bindFailure(thrown, bind, certificate === undefined ? 'bind' : 'bind_tls');
    });
    this.#servers.push(server);
    server.on('error', (error) => this.#options.logger.error('listener failed', { error }));
    const { address, port } = server.address() as net.AddressInfo;
    return { host: address, port };
  }

  /** Ends all connections and frees the ports. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #createServer(certificate: Certificate | undefined): net.Server {
    const { accept, maxConnections, pauseOnConnect = false } = this.#options;
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs };
    const take = (socket: net.Socket) => accept(socket, certificate !== undefined);
    const server =
      certificate === undefined
        ? // Half-open, so that a client that says all it has and then listens is answered.
          net.createServer({ ...options, allowHalfOpen: true, pauseOnConnect }, take)
        : // Never half-open: a client that leaves in the middle of its handshake would stay.
          tls.createServer({ ...options, ...certificate.text, handshakeTimeout: handshakeMs, minVersion }, take);
    // Node reads it for each connection.
    Object.defineProperty(server, 'maxConnections', { get: maxConnections });
    server.prependListener('connection', (socket: net.Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    certificate?.onChange((text) => (server as tls.Server).setSecureContext({ ...text, minVersion }));
    return server;
  }

  async #bindFailure(thrown: unknown, bind: BindAddress, key: 'bind' | 'bind_tls'): Promise<WatchpostError> {
    const { protocol } = this.#options;
    const { code } = thrown as NodeJS.ErrnoException;
    const context = { host: bind.host, port: bind.port };
    const setting = `protocols.${protocol}.${key}`;
    const failure = { kind: 'unavailable', context, cause: thrown } as const;
    if (code !== 'EADDRINUSE')
      return new WatchpostError(`cannot listen on ${formatBind(bind)} — check ${setting} (${code})`, {
        ...failure,
        code: `${protocol.toUpperCase()}_BIND_FAILED`,
      });
    const holder = await findPortHolder(bind.port);
    const by = holder ? `by "${holder.name}" (process ${holder.pid})` : 'by another program';
    return new WatchpostError(`port ${bind.port} is taken ${by} — stop it, or choose another port with ${setting}`, {
      ...failure,
      code: `${protocol.toUpperCase()}_PORT_TAKEN`,
    });
  }
}

/** Where a protocol listens. */
export interface ListenSettings {
  readonly bind: BindAddress;
  readonly tls?: { readonly bind: BindAddress; readonly files: CertificateFiles } | undefined;
}

/** What `listenAsSet` needs of a server. */
export interface Listening {
  listen(bind: BindAddress, certificate?: Certificate): Promise<BindAddress>;
}

/** The ports of a protocol, with TLS and without; those are missing that are not wanted or could not be had. */
export interface ListeningPorts {
  readonly plain?: number;
  /** May come later, with the first certificate that is one. */
  readonly tls?: number;
}

/** What `listenAsSet` needs besides. */
export interface ListenParts {
  /** Name of the section, `[protocols.NAME]`. */
  readonly protocol: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stack: AsyncDisposableStack;
  /** Called once a day while the certificate for TLS must be renewed. */
  readonly onExpiring?: ((certificate: ExpiringCertificate) => void) | undefined;
}

/**
 * Listens as a section says. A port that cannot be had is logged: cameras, console and recorder work without. That for TLS
 * opens as soon as its files are a certificate and the key to it; they are looked at every 10 s.
 */
export async function listenAsSet(
  server: Listening,
  { bind, tls: secure }: ListenSettings,
  parts: ListenParts,
): Promise<ListeningPorts> {
  const { logger, stack } = parts;
  const ports: { plain?: number; tls?: number } = {};
  const attempt = async (listen: () => Promise<BindAddress>, key: 'plain' | 'tls') => {
    try {
      const { host, port } = await listen();
      logger.info('Listening', { host, port, ...(key === 'tls' && { tls: true }) });
      ports[key] = port;
    } catch (thrown) {
      logger.error((thrown as Error).message, { error: thrown });
    }
  };
  await attempt(() => server.listen(bind), 'plain');
  if (secure === undefined) return ports;
  const serve = (certificate: Certificate) => attempt(() => server.listen(secure.bind, certificate), 'tls');
  const setting = `protocols.${parts.protocol}.tls_cert`;
  try {
    await serve(stack.use(await openCertificate(secure.files, parts)));
  } catch (thrown) {
    const why = `${setting}: ${(thrown as Error).message}`;
    logger.error(`${why}; the port for TLS opens once they are`, { error: thrown });
    const stop = new AbortController();
    const opened = serveLater(secure.files, { ...parts, serve, signal: stop.signal });
    stack.defer(() => {
      stop.abort();
      return opened;
    });
  }
  return ports;
}

function openCertificate(
  files: CertificateFiles,
  { protocol, clock, logger, onExpiring }: Omit<ListenParts, 'stack'>,
): Promise<Certificate> {
  const setting = `protocols.${protocol}.tls_cert`;
  const tell = (daysLeft: number) => onExpiring?.({ setting, certFile: files.certFile, daysLeft });
  return Certificate.open(files, { clock, logger, onExpiring: tell });
}

/** Waits for files that are a certificate and its key; resolves when the signal aborts. */
async function serveLater(
  files: CertificateFiles,
  options: Omit<ListenParts, 'stack'> & { serve: (certificate: Certificate) => Promise<void>; signal: AbortSignal },
): Promise<void> {
  const { clock, signal, serve } = options;
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  while (!signal.aborted) {
    await sleep(clock, lookEveryMs, signal).catch(() => {});
    if (signal.aborted) return;
    const certificate = await openCertificate(files, options).catch(() => undefined);
    if (certificate === undefined) continue;
    using _held = certificate;
    await serve(certificate);
    await ended;
    return;
  }
}
