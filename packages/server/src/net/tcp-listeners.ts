import net from 'node:net';
import tls from 'node:tls';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { type BindAddress, formatBind } from './bind-address.ts';
import type { Certificate } from './certificate.ts';
import { findPortHolder } from './port-holder.ts';

const backlog = 4096;
const handshakeMs = 10_000;
/** A dead client without traffic is found in some minutes. */
const keepAliveMs = 60_000;
const minVersion = 'TLSv1.2';

/** Who listens, and for what. */
export interface TcpListenersOptions {
  /** Name of its section, `[protocols.NAME]`; in capitals it begins the codes of its errors. */
  readonly protocol: string;
  readonly logger: Logger;
  /** Of one address; asked for at each new connection. */
  readonly maxConnections: () => number;
  /** For sockets that `readShared` takes over. */
  readonly pauseOnConnect?: boolean;
  /** A client; under TLS its handshake is over. */
  readonly accept: (socket: net.Socket) => void;
}

/** A port that is open. */
export interface OpenPort extends BindAddress {
  /** Frees it; who is connected stays. */
  stop(): void;
}

/** The TCP ports of one protocol, with TLS and without. */
export class TcpListeners implements AsyncDisposable {
  readonly #options: TcpListenersOptions;
  readonly #servers = new Set<net.Server>();
  /** As the servers made them: those that are not through with TLS yet among them. */
  readonly #sockets = new Set<net.Socket>();

  constructor(options: TcpListenersOptions) {
    this.#options = options;
  }

  /**
   * Binds, once for each address; with a certificate for TLS. Throws `unavailable` (`NAME_PORT_TAKEN`,
   * `NAME_BIND_FAILED`); resolves to where it listens.
   */
  async listen(bind: BindAddress, certificate?: Certificate): Promise<OpenPort> {
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
    this.#servers.add(server);
    server.on('close', () => this.#servers.delete(server));
    certificate?.onChange((text) => (server as tls.Server).setSecureContext({ ...text, minVersion }));
    server.on('error', (error) => this.#options.logger.error('listener failed', { error }));
    const { address, port } = server.address() as net.AddressInfo;
    return { host: address, port, stop: () => void server.close() };
  }

  /** Ends all connections and frees the ports. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = [...this.#servers].map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #createServer(certificate: Certificate | undefined): net.Server {
    const { accept, maxConnections, pauseOnConnect = false } = this.#options;
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs };
    const server =
      certificate === undefined
        ? // Half-open, so that a client that says all it has and then listens is answered.
          net.createServer({ ...options, allowHalfOpen: true, pauseOnConnect }, accept)
        : // Never half-open: a client that leaves in the middle of its handshake would stay.
          tls.createServer({ ...options, ...certificate.text, handshakeTimeout: handshakeMs, minVersion }, accept);
    // Node reads it for each connection.
    Object.defineProperty(server, 'maxConnections', { get: maxConnections });
    server.prependListener('connection', (socket: net.Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    if (certificate !== undefined) keepRoom(server, maxConnections);
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

/**
 * A client whose TLS handshake is not over takes a place, but nobody knows who it is: once the last place is taken, the one
 * that has been at it for longest goes, so that silent ones keep nobody out.
 */
function keepRoom(server: net.Server, maxConnections: () => number): void {
  const open = new Set<net.Socket>();
  const strangers = new Map<string, net.Socket>();
  server.prependListener('connection', (socket: net.Socket) => {
    const peer = peerOf(socket);
    open.add(socket);
    socket.on('close', () => {
      open.delete(socket);
      if (strangers.get(peer) === socket) strangers.delete(peer);
    });
    const [oldest] = strangers;
    if (oldest !== undefined && open.size >= maxConnections()) {
      strangers.delete(oldest[0]);
      open.delete(oldest[1]);
      oldest[1].destroy();
    }
    strangers.set(peer, socket);
  });
  server.on('secureConnection', (socket: tls.TLSSocket) => strangers.delete(peerOf(socket)));
}

function peerOf({ remoteAddress, remotePort }: net.Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
