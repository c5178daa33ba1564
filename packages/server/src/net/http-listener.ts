import {
  createServer,
  type IncomingMessage,
  type Server as PlainServer,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  Http2ServerRequest,
  type Http2Session,
  type ServerHttp2Session,
} from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { BindAddress } from './bind-address.ts';
import type { CertificateText } from './certificate.ts';

const minVersion = 'TLSv1.2';
const keepAliveMs = 72_000;
/** Answers that one connection of HTTP/1.1 waits for at once. Browsers wait for one, but their proxies may not. */
const maxWaiting = 64;
/** Requests of one session of HTTP/2 at once. A wall of cameras has three for each of them. */
const maxStreams = 256;
/** A dead client of an answer without traffic is found in some minutes. */
const probeAfterMs = 60_000;

/** Of HTTPS; times as those of plain HTTP. */
const secureOptions = {
  allowHTTP1: true,
  minVersion,
  handshakeTimeout: 10_000,
  keepAliveTimeout: keepAliveMs,
  requestTimeout: 0,
  settings: { maxConcurrentStreams: maxStreams },
  /** MB of one session: key pictures of as many streams wait in it. */
  maxSessionMemory: 64,
} as const;

/** How long headers may take, and how often overdue ones are looked for; ms. */
export interface HeaderTimes {
  readonly headersTimeout: number;
  readonly connectionsCheckingInterval: number;
}

/** Who answers what comes in; none of them throws. */
export interface HttpHandlers {
  readonly request: RequestListener;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/**
 * One port for HTTP, or, while it has a certificate, for HTTPS with HTTP/2. Either changes to the other without closing the
 * port: answers that have begun go on; a connection that stands is answered once more.
 */
export class HttpListener {
  /** Plain HTTP; it never listens itself. */
  readonly plain: PlainServer;
  readonly #options: HeaderTimes & HttpHandlers;
  readonly #port: Server;
  // Also those in the middle of a TLS handshake, HTTP/2 sessions, and what was taken over.
  readonly #connections = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  #secure: Http2SecureServer | undefined;
  #isSecure = false;
  /** Answers that have begun or wait, by connection of HTTP/1.1. */
  readonly #waiting = new WeakMap<Socket, number>();
  /** Requests that came in this turn, by session of HTTP/2. */
  readonly #thisTurn = new WeakMap<Http2Session, number>();

  constructor(options: HeaderTimes & HttpHandlers) {
    this.#options = options;
    const { headersTimeout, connectionsCheckingInterval, upgrade } = options;
    const times = { headersTimeout, connectionsCheckingInterval, requestTimeout: 0, keepAliveTimeout: keepAliveMs };
    this.plain = begin(createServer(times, this.#answerAs(false)).on('upgrade', upgrade));
    // As HTTP servers have it.
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: probeAfterMs };
    this.#port = createTcpServer({ allowHalfOpen: true, noDelay: true, ...keepAlive }, (socket) => this.#take(socket));
  }

  /** Speaks HTTPS with this certificate from the next connection on; HTTP without one. */
  secure(certificate: CertificateText | undefined): void {
    this.#isSecure = certificate !== undefined;
    if (certificate === undefined) for (const session of this.#sessions) session.close();
    else if (this.#secure) this.#secure.setSecureContext({ ...certificate, minVersion });
    else this.#secure = this.#createSecure(certificate);
  }

  /** Rejects with what the system says. */
  listen({ host, port }: BindAddress): Promise<BindAddress> {
    return new Promise((resolve, reject) => {
      this.#port.once('error', reject);
      this.#port.listen({ host, port }, () => {
        // One connection could not be accepted; the next one may be.
        this.#port.off('error', reject).on('error', () => {});
        resolve({ host, port: (this.#port.address() as AddressInfo).port });
      });
    });
  }

  /** Ends all connections, upgraded ones included. */
  async close(): Promise<void> {
    // They do not listen: this ends what looks after their connections.
    this.plain.close();
    this.#secure?.close();
    if (!this.#port.listening) return;
    const closed = new Promise((resolve) => this.#port.close(resolve));
    for (const socket of this.#connections) socket.destroy();
    await closed;
  }

  #take(socket: Socket): void {
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    // A TLS connection ends whole.
    socket.allowHalfOpen = !this.#isSecure;
    (this.#isSecure ? this.#secure! : this.plain).emit('connection', socket);
  }

  #answerAs(isSecure: boolean): RequestListener {
    return (request, response) => {
      const mayAsk =
        request instanceof Http2ServerRequest
          ? this.#mayAskMore(request.stream.session)
          : this.#mayAsk(request.socket, response);
      if (!mayAsk) return;
      // Of a connection that nobody could make now this is the last answer; sessions of HTTP/2 have their own end.
      if (isSecure !== this.#isSecure && request.httpVersionMajor === 1) response.setHeader('Connection', 'close');
      this.#options.request(request, response);
    };
  }

  /** False for who asks and asks without waiting: all that came in one read is handled before anybody else is. */
  #mayAsk(socket: Socket, response: ServerResponse): boolean {
    const count = (this.#waiting.get(socket) ?? 0) + 1;
    if (count > maxWaiting) {
      socket.destroy();
      return false;
    }
    this.#waiting.set(socket, count);
    response.once('close', () => this.#waiting.set(socket, this.#waiting.get(socket)! - 1));
    return true;
  }

  /** False for who asks for more than may be open at once, by taking back what it asked for. */
  #mayAskMore(session: Http2Session | undefined): boolean {
    if (session === undefined) return false;
    const count = (this.#thisTurn.get(session) ?? 0) + 1;
    if (count === 1) setImmediate(() => this.#thisTurn.delete(session));
    this.#thisTurn.set(session, count);
    if (count > maxStreams) session.destroy();
    return count <= maxStreams;
  }

  #createSecure(certificate: CertificateText): Http2SecureServer {
    const { headersTimeout, connectionsCheckingInterval, upgrade } = this.#options;
    const options = { ...secureOptions, headersTimeout, connectionsCheckingInterval, ...certificate };
    const server = createSecureServer(options);
    server.on('request', this.#answerAs(true) as unknown as () => void).on('upgrade', upgrade);
    server.on('clientError', (error, socket) => this.plain.emit('clientError', error, socket));
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
      session.setTimeout(keepAliveMs, () => session.close());
    });
    return begin(server);
  }
}

/** Servers of HTTP look for overdue headers from when they listen; these take over what another listener accepted. */
function begin<Server extends PlainServer | Http2SecureServer>(server: Server): Server {
  server.emit('listening');
  return server;
}
