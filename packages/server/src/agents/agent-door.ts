import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { maxMessageBytes } from '@watchpost/tunnel/frame.ts';
import type { HandshakeCrypto, KeyPair } from '@watchpost/tunnel/handshake/crypto.ts';
import type { Hello, Proof } from '@watchpost/tunnel/handshake/messages.ts';
import {
  type KnownAgent,
  type KnownToken,
  makeRefusal,
  ServerHandshake,
} from '@watchpost/tunnel/handshake/server-handshake.ts';
import { type WebSocket, WebSocketServer } from 'ws';

/** The WebSocket subprotocol of SPEC.md. */
export const tunnelSubprotocol = 'watchpost-tunnel';

/** A handshake that takes longer is given up. */
const handshakeTimeoutMs = 10_000;
/** Handshakes at a time; each costs a signature and a verification. Agents that come while there are more wait. */
const maxHandshakes = 64;
/** Connections that wait for their turn with the handshake. */
const maxWaiting = 4096;

/** An agent that has proven who it is. */
export interface ProvenAgent {
  readonly hello: Hello;
  readonly resume: Proof['resume'];
  /** Id of the token, where the key is new and must be pinned. */
  readonly enrolledBy: string | undefined;
  readonly address: string;
  readonly webSocket: WebSocket;
  readonly socket: Socket;
}

/** What the door needs to know, and whom it tells. */
export interface AgentDoorOptions {
  readonly clock: Clock;
  readonly crypto: HandshakeCrypto;
  readonly keys: KeyPair;
  readonly findAgent: (id: string) => Promise<KnownAgent | undefined>;
  readonly findToken: (id: string) => Promise<KnownToken | undefined>;
  /** Takes the connection over. */
  readonly proven: (agent: ProvenAgent) => Promise<void>;
  readonly refused: (reason: string, address: string) => void;
}

/** Takes WebSockets of agents, and finds out who they are. Nothing is believed, and little is kept, before that. */
export class AgentDoor {
  readonly #options: AgentDoorOptions;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(tunnelSubprotocol) ? tunnelSubprotocol : false),
  });
  readonly #guests = new Set<WebSocket>();
  #handshakes = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: AgentDoorOptions) {
    this.#options = options;
  }

  /** Connections that have not proven anything yet. */
  get guests(): number {
    return this.#guests.size;
  }

  /** Takes an upgrade of the shared HTTP server. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#guests.size >= maxWaiting) {
      socket.end(
        'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      );
      return;
    }
    const address = request.socket.remoteAddress ?? '';
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) =>
      this.#greet(webSocket, socket as Socket, address),
    );
  }

  /** Sends everybody away who has not come in yet. */
  close(): void {
    for (const webSocket of this.#guests) webSocket.terminate();
  }

  #greet(webSocket: WebSocket, socket: Socket, address: string): void {
    this.#guests.add(webSocket);
    const { crypto, keys, findAgent, findToken, clock } = this.#options;
    const handshake = new ServerHandshake({ crypto, keys, findAgent, findToken });
    const cancelTimer = clock.after(handshakeTimeoutMs, () => webSocket.terminate());
    const leave = () => {
      cancelTimer();
      this.#guests.delete(webSocket);
    };
    let isBusy = false;
    const onMessage = (data: Buffer) => {
      // Speaking out of turn is the mark of somebody who does not read the answers.
      if (isBusy) return webSocket.terminate();
      isBusy = true;
      void this.#step(handshake, toBytes(data), { webSocket, socket, address })
        .then((isDone) => {
          isBusy = false;
          if (!isDone) return;
          leave();
          webSocket.off('message', onMessage);
        })
        .catch(() => webSocket.terminate());
    };
    webSocket.on('error', () => {});
    webSocket.on('close', leave);
    webSocket.on('message', onMessage);
  }

  /** Answers one message; true once the connection is somebody else's, or refused. */
  async #step(
    handshake: ServerHandshake,
    message: Uint8Array,
    from: { webSocket: WebSocket; socket: Socket; address: string },
  ): Promise<boolean> {
    const { webSocket } = from;
    await this.#turn();
    try {
      const outcome = await handshake.receive(message);
      if (webSocket.readyState !== 1) return true;
      if (outcome.kind === 'send') {
        webSocket.send(outcome.message);
        return false;
      }
      if (outcome.kind === 'refused') return this.#refuse(from, outcome.reason, outcome.message);
      const { hello, resume, enrolledBy } = outcome;
      await this.#options.proven({ ...from, hello, resume, enrolledBy });
      return true;
    } catch (thrown) {
      const isTheirs = thrown instanceof WatchpostError && thrown.kind === 'malformed';
      this.#refuse(
        from,
        isTheirs ? 'malformed' : `failed: ${thrown}`,
        makeRefusal(isTheirs ? 'malformed' : 'internal'),
      );
      return true;
    } finally {
      this.#handshakes--;
      this.#waiting.shift()?.();
    }
  }

  #refuse(
    { webSocket, address }: { webSocket: WebSocket; address: string },
    reason: string,
    message: Uint8Array,
  ): true {
    this.#options.refused(reason, address);
    webSocket.send(message);
    webSocket.close();
    return true;
  }

  async #turn(): Promise<void> {
    if (this.#handshakes >= maxHandshakes) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#handshakes++;
  }
}

/** What `ws` gives, as plain bytes over the same memory. */
export function toBytes(data: Buffer): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
