import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { HttpServer } from '../net/http-server.ts';

interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Of a client: it has nothing to say. */
const maxMessageBytes = 1024;

/**
 * Leads requests for a WebSocket to the route of their path, which lets in and refuses as it does with all others, and
 * takes those that it wants with `accept`.
 */
export class EventUpgrades {
  readonly #prefixes: readonly string[];
  readonly #waiting = new WeakMap<IncomingMessage, Upgrade>();
  readonly #webSockets = new WebSocketServer({
    ...{ noServer: true, perMessageDeflate: false, clientTracking: false },
    maxPayload: maxMessageBytes,
  });

  constructor(prefixes: readonly string[]) {
    this.#prefixes = prefixes;
  }

  /** Takes requests for a WebSocket whose path begins with one of the prefixes. */
  takeFrom(server: HttpServer): void {
    for (const prefix of this.#prefixes)
      server.onUpgrade(prefix, (request, socket, head) => this.#route(server.app, request, { socket, head }));
  }

  /** True for a request that waits for `accept`. */
  isWanted(request: FastifyRequest): boolean {
    return this.#waiting.has(request.raw);
  }

  /** Takes the request over; rejected handshakes (RFC 6455 §4.2.2) are answered, and nobody is called. */
  accept({ raw: request }: FastifyRequest, reply: FastifyReply, serve: (webSocket: WebSocket) => void): void {
    const { socket, head } = this.#waiting.get(request)!;
    reply.hijack();
    reply.raw.detachSocket(socket as Socket);
    this.#webSockets.handleUpgrade(request, socket, head, serve);
  }

  /** What the routes answer without taking the WebSocket ends the connection. */
  #route(app: FastifyInstance, request: IncomingMessage, upgrade: Upgrade): void {
    this.#waiting.set(request, upgrade);
    const response = new ServerResponse(request);
    response.assignSocket(upgrade.socket as Socket);
    response.shouldKeepAlive = false;
    response.once('finish', () => upgrade.socket.end());
    app.routing(request, response);
  }
}
