import { connect, type Socket } from 'node:net';
import { systemClock } from '@watchpost/base/clock.ts';
import { parseEnrolmentToken } from '@watchpost/tunnel/enrolment-token.ts';
import { ClientHandshake } from '@watchpost/tunnel/handshake/client-handshake.ts';
import { type KeyPair, webCrypto } from '@watchpost/tunnel/handshake/crypto.ts';
import type { Refused, Welcome } from '@watchpost/tunnel/handshake/messages.ts';
import { type AgentMessage, writeAgentMessage } from '@watchpost/tunnel/messages/agent-message.ts';
import { parseChannelRequest } from '@watchpost/tunnel/messages/request.ts';
import { parseServerMessage, type ServerMessage } from '@watchpost/tunnel/messages/server-message.ts';
import { TunnelSession } from '@watchpost/tunnel/session.ts';
import { agentLimits, announcedLimits } from '@watchpost/tunnel/session-limits.ts';
import type { Channel, SessionLimits } from '@watchpost/tunnel/types.ts';
import { type ClientOptions, WebSocket } from 'ws';
import { toBytes, tunnelSubprotocol } from './agent-door.ts';
import { PortConnection } from './port-connection.ts';
import { WebSocketTransport } from './web-socket-transport.ts';

const crypto = webCrypto(globalThis.crypto);

/** Over TLS the agent masks with zeros, and so does this one. */
const noMask = { generateMask: (mask: Buffer) => void mask.fill(0) };

/** What a test agent is told. */
export interface TestAgentOptions {
  readonly url: string;
  readonly agentId: string;
  readonly token?: string;
  readonly keys?: KeyPair;
  readonly serverKey?: Uint8Array;
  readonly instance?: string;
  readonly targets?: Extract<AgentMessage, { type: 'targets' }>['targets'];
  readonly limits?: Partial<SessionLimits>;
  readonly socket?: ClientOptions;
  /** Milliseconds between attempts. Default 100. */
  readonly retryMs?: number;
  /** Takes TCP channels instead of dialling their target. */
  readonly onTcp?: (channel: Channel) => void;
  /** Other channels than `tcp`, and messages of the server. */
  readonly onChannel?: (channel: Channel, request: ReturnType<typeof parseChannelRequest>) => void;
  readonly onMessage?: (message: ServerMessage | undefined, agent: TestAgent) => void;
}

/** The agent's side in the least that works; for tests and benchmarks of the server. */
export class TestAgent implements Disposable {
  readonly options: TestAgentOptions;
  session: TunnelSession | undefined;
  welcome: Welcome | undefined;
  refused: Refused | undefined;
  serverKey: Uint8Array | undefined;
  goAway: { reason: string; retryAfterMs: number } | undefined;
  failure: unknown;
  connects = 0;
  #keys: KeyPair | undefined;
  #webSocket: WebSocket | undefined;
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(options: TestAgentOptions) {
    this.options = options;
    this.#keys = options.keys;
    this.serverKey = options.serverKey;
    void this.#connect();
  }

  /** Its identity; made at the first attempt. */
  get keys(): KeyPair | undefined {
    return this.#keys;
  }

  /** Resolves once `is` holds; rejects after `timeoutMs`. */
  async until(is: (agent: TestAgent) => boolean, timeoutMs = 10_000): Promise<this> {
    const endMs = performance.now() + timeoutMs;
    while (!is(this)) {
      if (performance.now() > endMs)
        throw new Error(`the agent never got there: ${JSON.stringify(this.refused ?? null)} ${this.failure}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return this;
  }

  /** Resolves once it is let in. */
  connected(timeoutMs?: number): Promise<this> {
    return this.until(({ session }) => session?.state === 'up', timeoutMs);
  }

  /** Says something. */
  say(message: AgentMessage): void {
    this.session?.sendMessage(writeAgentMessage(message));
  }

  /** Drops the connection without a word. */
  cut(): void {
    this.#webSocket?.terminate();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#retry);
    this.session?.close('shutdown');
    this.#webSocket?.terminate();
  }

  async #connect(): Promise<void> {
    const { url, agentId, token, instance = 'test', socket = {} } = this.options;
    this.#keys ??= await crypto.makeKeyPair();
    if (this.#isDisposed) return;
    this.connects++;
    const settings = { perMessageDeflate: false, ...(url.startsWith('wss:') && noMask), ...socket };
    const webSocket = new WebSocket(url, tunnelSubprotocol, settings);
    this.#webSocket = webSocket;
    const limits = this.#limits();
    const canResume = this.session !== undefined && this.session.state !== 'closed' && this.welcome !== undefined;
    const handshake = new ClientHandshake({
      crypto,
      agentId,
      keys: this.#keys,
      instance,
      limits: announcedLimits(limits, 32),
      ...(token !== undefined && { token: parseEnrolmentToken(token) }),
      ...(this.serverKey && { serverKey: this.serverKey }),
      ...(canResume && { resume: { session: this.welcome!.session, received: this.session!.received } }),
    });
    let isIn = false;
    let isBusy = false;
    const held: Uint8Array[] = [];
    webSocket.on('upgrade', (response) => {
      this.#socket = response.socket as Socket;
    });
    webSocket.on('open', () => webSocket.send(handshake.hello));
    webSocket.on('error', () => {});
    webSocket.on('close', () => this.#onClose(isIn, webSocket));
    webSocket.on('message', (data: Buffer) => {
      if (isIn) {
        this.session?.receive(toBytes(data));
        return;
      }
      if (isBusy) {
        held.push(toBytes(data));
        return;
      }
      isBusy = true;
      // What follows WELCOME in the same read must find the session: it is held until that is made.
      webSocket.pause();
      void handshake
        .receive(toBytes(data))
        .then((outcome) => {
          if (outcome.kind === 'send') webSocket.send(outcome.message);
          else if (outcome.kind === 'refused') this.refused = outcome.refused;
          else {
            isIn = true;
            this.#begin(webSocket, outcome.welcome, outcome.serverKey);
          }
          isBusy = false;
          for (const message of held.splice(0)) this.session?.receive(message);
          webSocket.resume();
        })
        .catch((thrown) => {
          this.failure = thrown;
          webSocket.terminate();
        });
    });
  }

  #limits(): SessionLimits {
    return { ...agentLimits, ...this.options.limits };
  }

  #begin(webSocket: WebSocket, welcome: Welcome, serverKey: Uint8Array): void {
    this.serverKey ??= serverKey;
    this.welcome = welcome;
    const transport = new WebSocketTransport(webSocket, this.#socket!);
    this.#socket!.on('drain', () => this.session?.drained());
    if (!welcome.resumed) this.session?.close('session_lost');
    const session = welcome.resumed ? this.session! : this.#newSession(welcome);
    this.session = session;
    session.attach(transport, welcome.received);
    if (!welcome.resumed && this.options.targets) this.say({ type: 'targets', targets: this.options.targets });
  }

  #newSession(welcome: Welcome): TunnelSession {
    return new TunnelSession({
      role: 'agent',
      clock: systemClock,
      limits: this.#limits(),
      peer: welcome.limits,
      graceMs: welcome.graceMs,
      defer: setImmediate,
      handler: {
        open: (channel, request) => this.#onOpen(channel, request),
        message: (bytes) => this.options.onMessage?.(parseServerMessage(bytes), this),
        linkLost: () => {},
        goAway: (notice) => {
          this.goAway = notice;
        },
        closed: () => {},
      },
    });
  }

  #onOpen(channel: Channel, bytes: Uint8Array): void {
    const request = parseChannelRequest(bytes);
    if (request.kind !== 'tcp') {
      if (this.options.onChannel) this.options.onChannel(channel, request);
      else channel.reset('not_allowed');
      return;
    }
    const { host, port } = request;
    if (this.options.onTcp) {
      this.options.onTcp(channel);
      return;
    }
    if (!this.options.targets?.some((target) => target.host === host && target.port === port)) {
      channel.reset('not_allowed');
      return;
    }
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    socket.once('error', () => channel.reset('refused'));
    socket.once('connect', () => {
      const connection = new PortConnection(socket, () => {});
      connection.join(channel);
      channel.accept(connection);
    });
  }

  #onClose(wasIn: boolean, webSocket: WebSocket): void {
    if (webSocket !== this.#webSocket) return;
    if (wasIn) this.session?.lost('closed');
    if (this.#isDisposed || this.refused || this.failure) return;
    this.#retry = setTimeout(() => void this.#connect(), this.options.retryMs ?? 100);
  }
}
