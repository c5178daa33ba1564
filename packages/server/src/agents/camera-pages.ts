import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Grant } from '../hub/types.ts';
import type { CertificateText } from '../net/certificate.ts';
import { PageDoor } from './page-door.ts';
import { cookieOf, pageCookie } from './page-headers.ts';
import { type PageDial, type PageTarget, passOn, passUpgradeOn, type ViewedPage } from './page-proxy.ts';

/** A link that was handed out is used within so long, once. */
const linkMs = 60_000;
/** A page that nobody asks anything of for so long is closed. */
const idleMs = 3_600_000;
const maxPages = 256;

/** Who may see a page, and as what. */
export interface PageViewer {
  /** Host name or address by which the browser knows this server. */
  readonly hostname: string;
  /**
   * Asked at each request: undefined where somebody is logged out, or without the right. What is under way, a download or a
   * WebSocket, ends with the leave.
   */
  readonly admit: () => Promise<Grant | undefined>;
}

interface Page extends ViewedPage {
  readonly door: PageDoor;
  readonly admit: PageViewer['admit'];
  /** Monotonic: a machine whose clock is set does not log anybody out. */
  expiresMs: number;
}

/** What may change while pages are open. */
export interface PageLimits {
  /** Listeners at a time: each camera has its own, and thereby an origin of its own. */
  readonly maxPorts: number;
  /** `https://*.cameras.example`: one listener for all, each camera under a name of its own in the place of `*`. */
  readonly address?: string | undefined;
}

/** What pages are served with. */
export interface CameraPagesOptions extends PageLimits {
  /** Address and first port of the pages' own listeners; never that of the console. 0 for any free ones. */
  readonly bind: string;
  readonly port: number;
  readonly clock: Clock;
  readonly dial: PageDial;
}

/**
 * The own web pages of cameras, each on a port or host name of its own: no two share an origin, and none has that of the
 * console. Who may see one gets a link that works once; after that a cookie names the page.
 */
export class CameraPages implements AsyncDisposable {
  readonly #options: CameraPagesOptions;
  readonly #links = new Map<string, Page>();
  readonly #pages = new Map<string, Page>();
  /** By target, least recently linked first; all targets have one where each has a name. */
  readonly #doors = new Map<string, Promise<PageDoor>>();
  #certificate: CertificateText | undefined;
  #limits: PageLimits;

  constructor(options: CameraPagesOptions) {
    this.#options = options;
    this.#limits = options;
  }

  /** Counts for the next link; pages that are open stay so until theirs is the port that it needs. */
  configure(limits: PageLimits): void {
    this.#limits = limits;
  }

  /**
   * Has listeners speak HTTPS with this certificate, HTTP without one. Pages that are open with the other of the two end:
   * their addresses are others now.
   */
  secure(certificate: CertificateText | undefined): void {
    this.#certificate = certificate;
    for (const [key, opening] of this.#doors)
      opening.then(
        (door) => {
          if (certificate && door.isSecure) return door.renew(certificate);
          if (!certificate && !door.isSecure) return;
          if (this.#doors.get(key) === opening) this.#doors.delete(key);
          return door[Symbol.asyncDispose]();
        },
        () => {},
      );
  }

  /** A link to the page of a target. Thrown `unavailable` (`PAGE_PORT`) where no port is free. */
  async link(target: PageTarget, viewer: PageViewer): Promise<{ readonly url: string; readonly expiresMs: number }> {
    const door = await this.#doorOf(target);
    const { clock } = this.#options;
    const expiresMs = clock.monotonicMs() + linkMs;
    const origin = this.#originOf(target, door, viewer.hostname);
    const { admit } = viewer;
    const secret = keep(this.#links, { target, origin, door, admit, expiresMs });
    return { url: `${origin}/?${pageCookie}=${secret}`, expiresMs: clock.wallMs() + linkMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const doors = [...this.#doors.values()];
    this.#doors.clear();
    for (const door of doors) await door.then((open) => open[Symbol.asyncDispose]()).catch(() => {});
  }

  #originOf(target: PageTarget, door: PageDoor, hostname: string): string {
    const { address } = this.#limits;
    if (address !== undefined) return new URL(address.replace('*', labelOf(target))).origin;
    const host = hostname.includes(':') ? `[${hostname}]` : hostname;
    return new URL(`http${door.isSecure ? 's' : ''}://${host}:${door.port}`).origin;
  }

  /** The listener of a target; of too many those that were linked to longest ago are closed. One for all needs the first port. */
  async #doorOf(target: PageTarget): Promise<PageDoor> {
    const { address } = this.#limits;
    const maxPorts = address === undefined ? this.#limits.maxPorts : 1;
    const key = address === undefined ? keyOf(target) : '';
    let door = this.#doors.get(key);
    this.#doors.delete(key);
    if (door === undefined) {
      const surplus = [...this.#doors].slice(0, Math.max(0, this.#doors.size - maxPorts + 1));
      for (const [oldest] of surplus) this.#doors.delete(oldest);
      const closing = surplus.map(([, old]) => old.then((open) => open[Symbol.asyncDispose]()));
      door = this.#openDoor(closing, [...this.#doors.values()]);
    }
    // In the same turn: who asks for the same target meanwhile waits for this one.
    this.#doors.set(key, door);
    door.catch(() => void (this.#doors.get(key) === door && this.#doors.delete(key)));
    return door;
  }

  /** Opens a listener on a port that none of `others` has, once those that are `closing` are closed. */
  async #openDoor(closing: readonly Promise<void>[], others: readonly Promise<PageDoor>[]): Promise<PageDoor> {
    await Promise.allSettled(closing);
    const { bind, port } = this.#options;
    const { maxPorts } = this.#limits;
    const open = await Promise.allSettled(others);
    const taken = new Set(open.map((door) => (door.status === 'fulfilled' ? door.value.port : 0)));
    const ports = Array.from({ length: port === 0 ? 1 : maxPorts }, (_, i) => port + i);
    let cause: unknown;
    for (const one of ports) {
      if (one !== 0 && taken.has(one)) continue;
      try {
        return await PageDoor.open(
          { bind, port: one, certificate: this.#certificate },
          {
            request: (door, request, response) => void this.#serve(door, request, response),
            upgrade: (door, request, socket, head) => void this.#upgrade(door, request, { socket, head }),
          },
        );
      } catch (thrown) {
        cause = thrown;
      }
    }
    throw new WatchpostError(
      `No port from ${port} on can be opened for pages of cameras — choose others as tunnel.page_port`,
      { kind: 'unavailable', code: 'PAGE_PORT', cause },
    );
  }

  async #serve(door: PageDoor, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const link = new RegExp(`^/\\?${pageCookie}=([\\w-]+)$`).exec(request.url ?? '')?.[1];
    const opened = link === undefined ? undefined : this.#open(door, link);
    if (opened !== undefined) {
      const secure = opened.page.origin.startsWith('https:') ? '; Secure' : '';
      const cookie = `${cookieName(door)}=${opened.secret}; Path=/; HttpOnly; SameSite=Lax${secure}`;
      response.writeHead(303, { location: '/', 'set-cookie': cookie, 'cache-control': 'no-store' }).end();
      return;
    }
    const { page, grant } = (await this.#pageOf(door, request)) ?? {};
    if (page === undefined || grant === undefined)
      return say(response, 401, 'This page is not open to you. Open the page of the camera from Watchpost once more.');
    if (!isItsOwn(request)) return say(response, 403, 'Other pages may not use the page of this camera.');
    endWith(grant, response);
    passOn(request, response, page, this.#options.dial);
  }

  async #upgrade(
    door: PageDoor,
    request: IncomingMessage,
    taken: { readonly socket: Duplex; readonly head: Buffer },
  ): Promise<void> {
    const { socket } = taken;
    socket.on('error', () => socket.destroy());
    const { page, grant } = (await this.#pageOf(door, request)) ?? {};
    if (page !== undefined && grant !== undefined && request.headers.origin === page.origin) {
      endWith(grant, socket);
      passUpgradeOn(request, taken, page, this.#options.dial);
      return;
    }
    const status = page === undefined ? '401 Unauthorized' : '403 Forbidden';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  /** Turns a link into a page; undefined where it was used, or is too old. */
  #open(door: PageDoor, link: string): { readonly secret: string; readonly page: Page } | undefined {
    const page = this.#links.get(link);
    this.#links.delete(link);
    const nowMs = this.#options.clock.monotonicMs();
    if (!page || page.expiresMs < nowMs || page.door !== door) return undefined;
    page.expiresMs = nowMs + idleMs;
    return { secret: keep(this.#pages, page), page };
  }

  /** The page whose cookie it is, under its own name, while its viewer may see it. */
  async #pageOf(door: PageDoor, request: IncomingMessage): Promise<{ page: Page; grant: Grant } | undefined> {
    const secret = cookieOf(request.headers.cookie, cookieName(door));
    const page = secret === undefined ? undefined : this.#pages.get(secret);
    const nowMs = this.#options.clock.monotonicMs();
    if (!page || page.expiresMs < nowMs || page.door !== door) return undefined;
    if (request.headers.host?.toLowerCase() !== new URL(page.origin).host) return undefined;
    const grant = await page.admit().catch(() => undefined);
    if (grant === undefined) {
      this.#pages.delete(secret!);
      return undefined;
    }
    page.expiresMs = nowMs + idleMs;
    return { page, grant };
  }
}

/** Cuts what is under way when the leave for it ends. */
function endWith(grant: Grant, line: Duplex | ServerResponse): void {
  if (line.destroyed) return;
  line.once(
    'close',
    grant.onEnd(() => line.destroy()),
  );
}

/**
 * True where the page itself asks, or somebody followed a link to it (Fetch Metadata §2.4); pages of other cameras differ in
 * their port only, and cookies go with what they ask for. A service worker would outlive the page on its port.
 */
function isItsOwn({ method, headers }: IncomingMessage): boolean {
  if (headers['service-worker'] !== undefined) return false;
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

/** Keeps it under a new secret; of too many the oldest goes. */
function keep(pages: Map<string, Page>, page: Page): string {
  if (pages.size >= maxPages) pages.delete(pages.keys().next().value!);
  const secret = randomBytes(24).toString('base64url');
  pages.set(secret, page);
  return secret;
}

function cookieName({ port }: PageDoor): string {
  return `${pageCookie}_${port}`;
}

function keyOf({ agentId, host, port }: PageTarget): string {
  return `${agentId} ${host} ${port}`;
}

/** The same for a camera at all times: what a browser keeps for it stays with it. */
function labelOf(target: PageTarget): string {
  return `c${createHash('sha256').update(keyOf(target)).digest('hex').slice(0, 16)}`;
}

function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${text}\n`);
}
