import { randomBytes } from 'node:crypto';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Dial } from '../net/dial.ts';
import { answerHeaders, cookieOf, pageCookie, requestHeaders } from './page-headers.ts';

/** A link that was handed out is used within so long, once. */
const linkMs = 60_000;
/** A page that nobody asks anything of for so long is closed. */
const idleMs = 3_600_000;
const maxPages = 256;

/** A web page behind an agent. */
export interface PageTarget {
  readonly agentId: string;
  readonly host: string;
  readonly port: number;
}

interface Page {
  readonly target: PageTarget;
  expiresMs: number;
}

/** What pages are served with. */
export interface CameraPagesOptions {
  /** Address and port of the pages' own listener; never that of the console. */
  readonly bind: string;
  readonly port: number;
  readonly clock: Clock;
  /** Reaches the target through its agent. */
  readonly dial: (target: PageTarget) => ReturnType<Dial>;
}

/**
 * The own web pages of cameras, on a port of their own, so that their scripts never share an origin with the console. Who
 * may see one gets a link that works once; after that a cookie names the page. The port is opened by the first link.
 */
export class CameraPages implements AsyncDisposable {
  readonly #options: CameraPagesOptions;
  readonly #links = new Map<string, Page>();
  readonly #pages = new Map<string, Page>();
  #server: Promise<Server> | undefined;

  constructor(options: CameraPagesOptions) {
    this.#options = options;
  }

  /** A link to the page of a target, as seen from `hostname`. Thrown `unavailable` where the port is taken. */
  async link(target: PageTarget, hostname: string): Promise<{ readonly url: string; readonly expiresMs: number }> {
    this.#server ??= this.#listen();
    let server: Server;
    try {
      server = await this.#server;
    } catch (thrown) {
      this.#server = undefined;
      throw thrown;
    }
    const expiresMs = this.#options.clock.wallMs() + linkMs;
    const secret = keep(this.#links, { target, expiresMs });
    const host = hostname.includes(':') ? `[${hostname}]` : hostname;
    const { port } = server.address() as AddressInfo;
    return { url: `http://${host}:${port}/?${pageCookie}=${secret}`, expiresMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = await this.#server?.catch(() => undefined);
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  #listen(): Promise<Server> {
    const { bind, port } = this.#options;
    const server = createServer((request, response) => void this.#serve(request, response));
    server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
    return new Promise((resolve, reject) => {
      server.once('error', (cause) =>
        reject(
          new WatchpostError(
            `The port ${port} for pages of cameras cannot be opened — choose another as tunnel.page_port`,
            {
              kind: 'unavailable',
              code: 'PAGE_PORT',
              cause,
            },
          ),
        ),
      );
      server.listen({ host: bind, port }, () => resolve(server));
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://page');
    const link = url.searchParams.get(pageCookie);
    const opened = link === null ? undefined : this.#open(link);
    if (opened !== undefined) {
      const cookie = `${pageCookie}=${opened}; Path=/; HttpOnly; SameSite=Strict`;
      response.writeHead(303, { location: '/', 'set-cookie': cookie, 'cache-control': 'no-store' }).end();
      return;
    }
    const page = this.#pageOf(request);
    if (!page) {
      response.writeHead(401, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
      response.end('This link is used up. Open the page of the camera from Watchpost once more.\n');
      return;
    }
    const upstream = this.#ask(page.target, request);
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answerHeaders(answer.headers, page.target));
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    upstream.on('error', (error) => refuse(response, error));
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const page = this.#pageOf(request);
    if (!page) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const upstream = this.#ask(page.target, request, true);
    upstream.on('upgrade', (answer, far, farHead) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
      if (farHead.length > 0) socket.write(farHead);
      if (head.length > 0) far.write(head);
      far.on('error', () => socket.destroy());
      far.pipe(socket).pipe(far);
      socket.on('close', () => far.destroy());
    });
    upstream.on('response', () => socket.destroy());
    upstream.on('error', () => socket.destroy());
    upstream.end();
  }

  #ask(target: PageTarget, request: IncomingMessage, isUpgrade = false): ReturnType<typeof httpRequest> {
    return httpRequest({
      method: request.method,
      path: request.url,
      headers: requestHeaders(request.headers, target, isUpgrade),
      setHost: false,
      // With an agent, even `false`, node would dial by itself.
      createConnection: (_options, connected) => {
        this.#options.dial(target).then(
          (socket) => connected(null, socket),
          (error) => connected(error, undefined as never),
        );
        return undefined;
      },
    });
  }

  /** Turns a link into a page; undefined where it was used, or is too old. */
  #open(link: string): string | undefined {
    const page = this.#links.get(link);
    this.#links.delete(link);
    const nowMs = this.#options.clock.wallMs();
    if (!page || page.expiresMs < nowMs) return undefined;
    return keep(this.#pages, { target: page.target, expiresMs: nowMs + idleMs });
  }

  #pageOf(request: IncomingMessage): Page | undefined {
    const secret = cookieOf(request.headers.cookie, pageCookie);
    const page = secret === undefined ? undefined : this.#pages.get(secret);
    const nowMs = this.#options.clock.wallMs();
    if (!page || page.expiresMs < nowMs) return undefined;
    page.expiresMs = nowMs + idleMs;
    return page;
  }
}

/** Keeps it under a new secret; of too many the oldest goes. */
function keep(pages: Map<string, Page>, page: Page): string {
  if (pages.size >= maxPages) pages.delete(pages.keys().next().value!);
  const secret = randomBytes(24).toString('base64url');
  pages.set(secret, page);
  return secret;
}

function refuse(response: ServerResponse, thrown: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`The camera does not answer: ${toWatchpostError(thrown).message}\n`);
}
