import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@watchpost/base/clock.ts';
import type { EnrolmentToken } from '@watchpost/tunnel/enrolment-token.ts';
import { webCrypto } from '@watchpost/tunnel/handshake/crypto.ts';
import { writeWelcome } from '@watchpost/tunnel/handshake/messages.ts';
import { ServerHandshake } from '@watchpost/tunnel/handshake/server-handshake.ts';
import { type AgentMessage, parseAgentMessage } from '@watchpost/tunnel/messages/agent-message.ts';
import { type ChannelRequest, parseChannelRequest, writeChannelRequest } from '@watchpost/tunnel/messages/request.ts';
import { type CommandName, writeServerMessage } from '@watchpost/tunnel/messages/server-message.ts';
import { TunnelSession } from '@watchpost/tunnel/session.ts';
import { agentLimits, announcedLimits, serverLimits } from '@watchpost/tunnel/session-limits.ts';
import type { Channel, Transport } from '@watchpost/tunnel/types.ts';
import { type WebSocket, WebSocketServer } from 'ws';

const crypto = webCrypto(globalThis.crypto);
type CommandAnswer = Extract<AgentMessage, { type: 'command_result' }>;

/** The smallest server that agents can connect to; for tests of the agent alone. It knows one token. */
export class TestServer implements AsyncDisposable {
  readonly messages: AgentMessage[] = [];
  readonly replies = new Map<string, Buffer>();
  readonly #token: EnrolmentToken;
  readonly #http: Server = createServer();
  readonly #webSockets = new WebSocketServer({ noServer: true });
  readonly #keys: Awaited<ReturnType<typeof crypto.makeKeyPair>>;
  readonly #known = new Map<string, Uint8Array>();
  readonly #waiting = new Set<() => void>();
  session: TunnelSession | undefined;
  #sessionId = '';
  #socket: WebSocket | undefined;
  #epoch = 0;
  #commands = 0;
  /** How long agents may be away from their next WELCOME on. */
  graceMs = 30_000;
  /** Called for each connection in place of the handshake: a hostile server. */
  onConnection: ((socket: WebSocket) => void) | undefined;
  connections = 0;
  /** What each accepted agent said that it is. */
  readonly software: string[] = [];

  private constructor(token: EnrolmentToken, keys: Awaited<ReturnType<typeof crypto.makeKeyPair>>) {
    this.#token = token;
    this.#keys = keys;
    this.#http.on('upgrade', (request, socket, head) =>
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#accept(webSocket)),
    );
  }

  static async start(token: EnrolmentToken): Promise<TestServer> {
    const server = new TestServer(token, await crypto.makeKeyPair());
    await new Promise<void>((resolve) => server.#http.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/tunnel`;
  }

  get publicKey(): Uint8Array {
    return this.#keys.publicKey;
  }

  /** Resolves to the first message for which `pick` gives something. */
  async message<T>(pick: (message: AgentMessage) => T | undefined, withinMs = 10_000): Promise<T> {
    return await this.until(() => {
      for (const message of this.messages) {
        const picked = pick(message);
        if (picked !== undefined) return picked;
      }
      return undefined;
    }, withinMs);
  }

  /** Resolves once `look` gives something. */
  async until<T>(look: () => T | undefined, withinMs = 10_000): Promise<T> {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (performance.now() > deadlineMs)
        throw new Error(`not within ${withinMs} ms: ${JSON.stringify(this.messages)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 50);
        this.#waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Gives a command; resolves to its answer. */
  async command(command: CommandName, params: object = {}, withinMs = 10_000): Promise<CommandAnswer> {
    const commandId = `c${++this.#commands}`;
    this.session!.sendMessage(
      writeServerMessage({
        type: 'command',
        command_id: commandId,
        command,
        params: params as Record<string, unknown>,
      }),
    );
    return await this.message(
      (message) => (message.type === 'command_result' && message.command_id === commandId ? message : undefined),
      withinMs,
    );
  }

  /** Opens a channel and collects what comes. */
  open(request: ChannelRequest): { channel: Channel; received: Buffer[]; closed: Promise<string> } {
    const received: Buffer[] = [];
    const closed = Promise.withResolvers<string>();
    const channel = this.session!.open(writeChannelRequest(request), 'live', {
      data: (bytes) => {
        received.push(Buffer.from(bytes));
        channel.consume(bytes.length);
      },
      end: () => channel.end(),
      drain: () => {},
      closed: (reason) => closed.resolve(reason),
    });
    return { channel, received, closed: closed.promise };
  }

  /** Breaks the connection as a network does: without good-bye. */
  cut(): void {
    this.#socket?.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session?.close('shutdown');
    for (const client of this.#webSockets.clients) client.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #accept(socket: WebSocket): void {
    this.connections += 1;
    if (this.onConnection) {
      this.onConnection(socket);
      return;
    }
    const handshake = new ServerHandshake({
      crypto,
      keys: this.#keys,
      findAgent: async (agentId) => {
        const publicKey = this.#known.get(agentId);
        return publicKey && { publicKey };
      },
      findToken: async (id) =>
        id === this.#token.id ? { secretHash: await crypto.sha256(this.#token.secret) } : undefined,
    });
    let session: TunnelSession | undefined;
    let queue = Promise.resolve();
    socket.on('message', (data) => {
      const message = new Uint8Array(data as Buffer);
      if (session) return session.receive(message);
      queue = queue.then(async () => {
        if (session) return session.receive(message);
        const outcome = await handshake.receive(message);
        if (outcome.kind !== 'proven') return socket.send(outcome.message);
        this.#known.set(outcome.hello.agentId, outcome.hello.publicKey);
        this.software.push(outcome.hello.software ?? '');
        this.#socket = socket;
        session = this.#attach(transportOf(socket), outcome.hello.limits, outcome.resume);
      });
      queue.catch(() => socket.terminate());
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#socket === socket) session?.lost();
    });
  }

  #attach(
    transport: Transport,
    peer: ConstructorParameters<typeof TunnelSession>[0]['peer'],
    resume: { session: string; received: number } | undefined,
  ): TunnelSession {
    const resumed = resume !== undefined && resume.session === this.#sessionId && this.session?.state !== 'closed';
    const session = resumed ? this.session! : this.#newSession(peer);
    if (!resumed) this.#sessionId = `s${this.#epoch}`;
    this.#epoch += 1;
    transport.send(
      writeWelcome({
        session: this.#sessionId,
        resumed,
        received: session.received,
        epoch: this.#epoch,
        graceMs: this.graceMs,
        limits: announcedLimits(serverLimits, agentLimits.maxChannels),
      }),
    );
    session.attach(transport, resume?.received ?? 0);
    this.session = session;
    return session;
  }

  #newSession(peer: ConstructorParameters<typeof TunnelSession>[0]['peer']): TunnelSession {
    return new TunnelSession({
      role: 'server',
      clock: systemClock,
      limits: serverLimits,
      peer,
      graceMs: this.graceMs,
      handler: {
        open: (channel, bytes) => this.#onReply(channel, bytes),
        message: (bytes) => {
          const message = parseAgentMessage(bytes);
          if (message) this.messages.push(message);
          for (const wake of this.#waiting) wake();
          this.#waiting.clear();
        },
        linkLost: () => {},
        closed: () => {},
      },
    });
  }

  #onReply(channel: Channel, bytes: Uint8Array): void {
    const request = parseChannelRequest(bytes);
    if (request.kind !== 'reply') {
      channel.reset('not_allowed');
      return;
    }
    const parts: Buffer[] = [];
    channel.accept({
      data: (data) => {
        parts.push(Buffer.from(data));
        channel.consume(data.length);
      },
      end: () => {
        this.replies.set(request.commandId, Buffer.concat(parts));
        channel.end();
      },
      drain: () => {},
      closed: () => {},
    });
  }
}

function transportOf(socket: WebSocket): Transport {
  return {
    send: (message) => socket.send(message, { binary: true }, () => {}),
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    close: () => socket.close(),
  };
}
