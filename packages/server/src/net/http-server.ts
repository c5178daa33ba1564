import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';

/** Takes over a WebSocket upgrade. `path` is the URL's path; the handler answers or destroys the socket. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** The shared HTTP server: API, console and every protocol that speaks HTTP. */
export interface HttpServer {
  /** Routes are added before `listen`. */
  readonly app: FastifyInstance;
  /** WebSocket upgrades of all paths that begin with `prefix`; the longest prefix wins. */
  onUpgrade(prefix: string, handler: UpgradeHandler): void;
}
