import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CertificateText } from '../net/certificate.ts';
import { cutOnceEnded } from '../net/cut-once-ended.ts';

/** Uploads of firmware over a slow line take their time. */
const requestTimeoutMs = 3_600_000;
const maxConnections = 256;
const minVersion = 'TLSv1.2';

/** Who answers what comes in; neither throws. */
export interface PageDoorHandler {
  request(door: PageDoor, request: IncomingMessage, response: ServerResponse): void;
  upgrade(door: PageDoor, request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** One listener for pages of cameras, HTTPS where the server has a certificate. */
export class PageDoor implements AsyncDisposable {
  readonly isSecure: boolean;
  readonly #server: Server | SecureServer;
  /** WebSockets are not the server's any more. */
  readonly #upgraded = new Set<Duplex>();

  private constructor(certificate: CertificateText | undefined, handler: PageDoorHandler) {
    this.isSecure = certificate !== undefined;
    const options = { requestTimeout: requestTimeoutMs };
    this.#server = certificate ? createSecureServer({ ...options, ...certificate, minVersion }) : createServer(options);
    this.#server.maxConnections = maxConnections;
    this.#server.on('request', (request, response) => handler.request(this, request, response));
    this.#server.on('upgrade', (request, socket: Duplex, head) => {
      this.#upgraded.add(socket);
      socket.on('close', () => this.#upgraded.delete(socket));
      cutOnceEnded(socket as Socket);
      handler.upgrade(this, request, socket, head);
    });
  }

  /** Listens. Rejects with what the system says. */
  static async open(
    where: { readonly bind: string; readonly port: number; readonly certificate: CertificateText | undefined },
    handler: PageDoorHandler,
  ): Promise<PageDoor> {
    const door = new PageDoor(where.certificate, handler);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    door.#server.once('error', reject);
    door.#server.listen({ host: where.bind, port: where.port }, resolve);
    await promise;
    door.#server.off('error', reject).on('error', () => {});
    return door;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Takes a new certificate. */
  renew(text: CertificateText): void {
    if (this.isSecure) (this.#server as SecureServer).setSecureContext({ ...text, minVersion });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
  }
}
