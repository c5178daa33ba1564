import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type BindAddress, parseBind } from './bind-address.ts';
import type { CertificateText } from './certificate.ts';
import { type ConsoleFallback, serveConsole } from './console-files.ts';
import { cutOnceEnded } from './cut-once-ended.ts';
import { HttpListener } from './http-listener.ts';
import { findPortHolder } from './port-holder.ts';
import { problemMediaType, problemOf, toProblem } from './problem.ts';

/** Takes over a WebSocket upgrade. `path` is the URL's path; the handler answers or destroys the socket. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** The shared HTTP server: API, console and every protocol that speaks HTTP. */
export interface HttpServer {
  /** Routes are added before `listen`. */
  readonly app: FastifyInstance;
  /** WebSocket upgrades of all paths that begin with `prefix`; the longest prefix wins. */
  onUpgrade(prefix: string, handler: UpgradeHandler): void;
}

/** What the HTTP server is made of. */
export interface HttpServerOptions {
  readonly logger: Logger;
  /** The built console; without it no page is served. */
  readonly consoleDirectory?: string;
  /** Believe `X-Forwarded-For` and `X-Forwarded-Proto`; only behind a proxy that sets them. Default false. */
  readonly trustProxy?: boolean;
  /** `defaultPatience` if missing. */
  readonly patience?: HttpPatience;
}

/** How long a request may take to arrive; whoever sends it a byte a second is cut off. */
export interface HttpPatience {
  /** From the connection, or the end of the request before, to the end of the headers. */
  readonly headersMs: number;
  /** A body of JSON or text; that of a talker lasts as long as the talk. */
  readonly bodyMs: number;
  /** How often overdue headers are looked for. */
  readonly checkEveryMs: number;
}

/** How to listen. */
export interface ListenOptions {
  /** Tries the next ports (20 of them) when the port is taken, as `./run` wants it. Default false. */
  readonly nextFreePort?: boolean;
}

/** An HTTP server as `main` owns it. */
export interface ListeningHttpServer extends HttpServer {
  /**
   * Begins to answer; the address that was bound comes back. A taken port is `unavailable` (`HTTP_PORT_TAKEN`), with the
   * name of what holds it where the system tells.
   */
  listen(bind: string, options?: ListenOptions): Promise<BindAddress>;
  /**
   * HTTPS with this certificate from the next connection on, with HTTP/2 for clients that speak it (WebSockets come over
   * HTTP/1.1); plain HTTP without one. Answers that have begun go on.
   */
  secure(certificate: CertificateText | undefined): void;
  /** Where it listens; undefined before and after. */
  readonly address: BindAddress | undefined;
  /** Ends all connections, upgraded ones included. */
  close(): Promise<void>;
}

/** Bytes of a JSON body; uploads set a limit of their own. */
const maxBodyBytes = 1024 * 1024;
const defaultPatience: HttpPatience = { headersMs: 30_000, bodyMs: 60_000, checkEveryMs: 5000 };
const maxNextPorts = 20;

/**
 * Sent with every answer. Video plays from MSE blobs, and from this origin only; `connect-src 'self'` covers WebSockets
 * of the same origin (CSP Level 3 §6.7.2.8).
 */
const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; " +
    "style-src 'self' 'unsafe-inline'; connect-src 'self'; object-src 'none'; base-uri 'self'; " +
    "form-action 'self'; frame-ancestors 'self'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

/** Makes the shared HTTP server; it does not listen yet. */
export function createHttpServer(options: HttpServerOptions): ListeningHttpServer {
  const logger = options.logger.child({ area: 'http' });
  const upgrades = new Map<string, UpgradeHandler>();
  const { app, listener } = createApp(options, logger, (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    cutOnceEnded(socket as Socket);
    dispatchUpgrade(upgrades, request, socket, head);
  });
  const fallback = options.consoleDirectory ? serveConsole(app, options.consoleDirectory) : undefined;
  installAnswers(app, logger, fallback);
  let address: BindAddress | undefined;
  return {
    app,
    onUpgrade: (prefix, handler) => void upgrades.set(prefix, handler),
    secure: (certificate) => listener.secure(certificate),
    get address() {
      return address;
    },
    listen: async (bind, listenOptions = {}) => {
      await app.ready();
      address = await listenOn(listener, parseBind(bind), listenOptions);
      return address;
    },
    close: async () => {
      address = undefined;
      await listener.close();
      await app.close();
    },
  };
}

function createApp(
  options: HttpServerOptions,
  logger: Logger,
  upgrade: UpgradeHandler,
): { readonly app: FastifyInstance; readonly listener: HttpListener } {
  const { headersMs, bodyMs, checkEveryMs } = options.patience ?? defaultPatience;
  const times = { headersTimeout: headersMs, connectionsCheckingInterval: checkEveryMs };
  let listener: HttpListener | undefined;
  const app = Fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
    trustProxy: options.trustProxy ?? false,
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: (error: Error, _request: FastifyRequest, reply: FastifyReply) => {
      sendProblem(error, reply, logger);
    },
    serverFactory: (request) => {
      listener = new HttpListener({ ...times, request, upgrade });
      return listener.plain;
    },
  });
  limitBodies(app, bodyMs);
  return { app, listener: listener! };
}

function limitBodies(app: FastifyInstance, withinMs: number): void {
  app.addHook('preParsing', (request, reply, body, done) => {
    if (/^(application\/json|text\/plain)\b/i.test(request.headers['content-type'] ?? '')) {
      const timer = setTimeout(() => request.raw.destroy(), withinMs);
      body.once('end', () => clearTimeout(timer));
      // Answered without being read: the next request of the connection has nothing to do with it.
      reply.raw.once('close', () => clearTimeout(timer));
    }
    done(null, body);
  });
}

function installAnswers(app: FastifyInstance, logger: Logger, fallback: ConsoleFallback | undefined): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  // A POST without a body often says "application/json" all the same: that is no body, not broken JSON.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parseJson(request, body as string, done);
  });
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(securityHeaders);
  });
  app.setErrorHandler((error, _request, reply) => sendProblem(error, reply, logger));
  app.setNotFoundHandler((request, reply) => {
    if (fallback?.(request, reply)) return reply;
    const path = request.url.split('?', 1)[0];
    const detail = `there is no ${request.method} ${path}`;
    return reply
      .code(404)
      .type(problemMediaType)
      .send(problemOf(404, 'ROUTE_NOT_FOUND', detail));
  });
}

function sendProblem(error: unknown, reply: FastifyReply, logger: Logger): FastifyReply {
  const problem = toProblem(error);
  if (problem.status >= 500 && !(error instanceof WatchpostError && error.kind === 'unavailable'))
    logger.error('a request failed', { code: problem.code, url: pathOf(reply.request.url), error });
  if (error instanceof WatchpostError) {
    const { retryAfterSeconds } = error.context;
    if (typeof retryAfterSeconds === 'number') reply.header('retry-after', String(Math.ceil(retryAfterSeconds)));
    if (error.kind === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="watchpost"');
  }
  // A serializer of the route's own would refuse the problem document.
  return reply.code(problem.status).serializer(JSON.stringify).type(problemMediaType).send(problem);
}

function pathOf(url: string): string {
  return url.split('?', 1)[0]!;
}

function dispatchUpgrade(
  upgrades: ReadonlyMap<string, UpgradeHandler>,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const path = pathOf(request.url ?? '/');
  let best: string | undefined;
  for (const prefix of upgrades.keys())
    if (path.startsWith(prefix) && (best === undefined || prefix.length > best.length)) best = prefix;
  const handler = best === undefined ? undefined : upgrades.get(best);
  if (handler) handler(request, socket, head);
  else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

async function listenOn(listener: HttpListener, bind: BindAddress, options: ListenOptions): Promise<BindAddress> {
  const tries = options.nextFreePort && bind.port !== 0 ? maxNextPorts : 1;
  for (let step = 0; step < tries; step++) {
    const port = bind.port + step;
    if (port > 65535) break;
    try {
      return await listener.listen({ host: bind.host, port });
    } catch (error) {
      if (errorCode(error) !== 'EADDRINUSE') throw listenError(error, { host: bind.host, port });
    }
  }
  throw await takenError(bind, tries);
}

async function takenError(bind: BindAddress, tries: number): Promise<WatchpostError> {
  const holder = await findPortHolder(bind.port);
  const by = holder ? `by "${holder.name}" (process ${holder.pid})` : 'by another program';
  const ports = tries > 1 ? `port ${bind.port} and the ${tries - 1} after it are` : `port ${bind.port} is`;
  return new WatchpostError(`${ports} taken ${by} — stop it, or choose another port with http.bind`, {
    kind: 'unavailable',
    code: 'HTTP_PORT_TAKEN',
    context: { host: bind.host, port: bind.port, pid: holder?.pid, program: holder?.name },
  });
}

function listenError(error: unknown, bind: BindAddress): WatchpostError {
  const code = errorCode(error);
  const cure =
    code === 'EACCES'
      ? 'ports below 1024 need root or CAP_NET_BIND_SERVICE; choose one above'
      : code === 'EADDRNOTAVAIL'
        ? 'this machine has no such address'
        : String(error);
  return new WatchpostError(`cannot listen on ${bind.host} port ${bind.port} — ${cure}`, {
    kind: 'unavailable',
    code: 'HTTP_BIND_FAILED',
    context: { host: bind.host, port: bind.port },
    cause: error,
  });
}

function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
