import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { webCrypto } from '@watchpost/tunnel/handshake/crypto.ts';
import type { Refusal } from '@watchpost/tunnel/handshake/messages.ts';
import { writeWelcome } from '@watchpost/tunnel/handshake/messages.ts';
import { makeRefusal } from '@watchpost/tunnel/handshake/server-handshake.ts';
import type { CameraReport, TargetsMessage } from '@watchpost/tunnel/messages/agent-message.ts';
import { writeChannelRequest } from '@watchpost/tunnel/messages/request.ts';
import { SharedWindowBudget } from '@watchpost/tunnel/receive-window.ts';
import type { ResetReason } from '@watchpost/tunnel/reset-reason.ts';
import { announcedLimits, serverLimits } from '@watchpost/tunnel/session-limits.ts';
import type { Channel, ChannelHandler, Priority } from '@watchpost/tunnel/types.ts';
import type { WebSocket } from 'ws';
import { AgentStore, unknownAgent } from '../catalog/agents/agent-store.ts';
import { EnrolmentTokens } from '../catalog/agents/enrolment-tokens.ts';
import type { Database } from '../catalog/database.ts';
import type { EventSink } from '../catalog/types.ts';
import { AgentDoor, type ProvenAgent, toBytes } from './agent-door.ts';
import { AgentPorts } from './agent-ports.ts';
import { AgentSession, type AgentSessionEvents } from './agent-session.ts';
import { pauseAbove } from './byte-rate.ts';
import type { TunnelSettings } from './section.ts';
import { WebSocketTransport } from './web-socket-transport.ts';

/** Windows of all agents together may grow by so much. */
const growthBytes = 512 * 1024 * 1024;
/** After a stop agents come back within so long, each at a time of its own. */
const restartSpreadMs = 10_000;
/** An agent whose session was taken over by another process waits, or the two would take turns for ever. */
const replacedRetryMs = 60_000;

/** What agents are kept with. */
export interface AgentRegistryOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  /** To begin with. */
  readonly settings: TunnelSettings;
}

/** Counters for metrics. */
export interface AgentCounts {
  online: number;
  connections: number;
  accepted: number;
  resumed: number;
  refused: number;
  bytesIn: number;
  bytesOut: number;
}

/** Other parts that want to know of agents. */
export interface AgentListener {
  /** A new session, not a resumed one. */
  online?(session: AgentSession): void;
  offline?(agentId: string, reason: ResetReason): void;
  cameras?(agentId: string, cameras: readonly CameraReport[]): void;
  backfillOffer?(session: AgentSession, offer: Parameters<AgentSessionEvents['backfillOffer']>[0]): void;
}

interface Entry {
  session: AgentSession;
  /** ms since 1970 UTC */
  connectedMs: number;
  epoch: number;
  isUp: boolean;
  software: string | undefined;
  address: string;
}

/** All agents: lets them in, keeps one session for each, and reaches their cameras. */
export class AgentRegistry implements AsyncDisposable {
  readonly store: AgentStore;
  readonly tokens: EnrolmentTokens;
  readonly ports: AgentPorts;
  readonly #options: AgentRegistryOptions;
  readonly #door: AgentDoor;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<AgentListener>();
  readonly #budget = new SharedWindowBudget(growthBytes);
  readonly #counts = { accepted: 0, resumed: 0, refused: 0, bytesIn: 0, bytesOut: 0 };
  #settings: TunnelSettings;
  #isStopping = false;

  private constructor(
    options: AgentRegistryOptions,
    parts: { store: AgentStore; keys: Awaited<ReturnType<AgentStore['serverKeys']>> },
  ) {
    const { store, keys } = parts;
    this.#options = options;
    this.#settings = options.settings;
    this.store = store;
    this.tokens = new EnrolmentTokens(options.database, options.clock);
    this.#door = new AgentDoor({
      clock: options.clock,
      crypto: webCrypto(globalThis.crypto),
      keys,
      findAgent: async (id) => {
        const agent = await store.find(id);
        return (
          agent && { ...(agent.publicKey && { publicKey: agent.publicKey }), isRevoked: agent.revokedMs !== undefined }
        );
      },
      findToken: (id) => this.tokens.find(id),
      proven: (agent) => this.#admit(agent),
      refused: (reason, address) => this.#onRefused(reason, address),
    });
    const { bind, first_port: firstPort } = options.settings;
    this.ports = new AgentPorts({
      store,
      logger: options.logger,
      bind,
      firstPort,
      join: ({ agentId, host, port, service }, connection) =>
        this.open({ agentId, host, port, priority: service === 'rtsp' ? 'live' : 'bulk' }, connection),
    });
  }

  /** Reads what is remembered. */
  static async open(options: AgentRegistryOptions): Promise<AgentRegistry> {
    const store = new AgentStore(options.database, options.clock);
    const registry = new AgentRegistry(options, { store, keys: await store.serverKeys() });
    await registry.ports.remember();
    return registry;
  }

  get settings(): TunnelSettings {
    return this.#settings;
  }

  /** Limits count for whoever comes next, and rates at once; addresses that are listened on stay. */
  configure(settings: TunnelSettings): void {
    const adoptsFromNow = settings.auto_adopt && !this.#settings.auto_adopt;
    this.#settings = settings;
    for (const { session } of this.#entries.values()) {
      session.tunnel.graceMs = settings.resume_grace * 1000;
      // Agents tell of their cameras once.
      if (adoptsFromNow && session.cameras.length > 0) this.#tellCameras(session.agentId, session.cameras);
    }
  }

  /** Takes an upgrade of the shared HTTP server. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#isStopping) socket.destroy();
    else this.#door.upgrade(request, socket, head);
  }

  /** Tells about agents until the function that comes back is called. */
  listen(listener: AgentListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The session of an agent, also while its connection is cut; undefined where there is none. */
  session(agentId: string): AgentSession | undefined {
    return this.#entries.get(agentId)?.session;
  }

  /** How an agent's session stands. */
  status(agentId: string): Readonly<Entry> | undefined {
    return this.#entries.get(agentId);
  }

  /** Counters. */
  counts(): AgentCounts {
    const counts: AgentCounts = { ...this.#counts, online: 0, connections: 0 };
    for (const { session, isUp } of this.#entries.values()) {
      const { channels, bytesIn, bytesOut } = session.tunnel.stats;
      if (isUp) counts.online++;
      counts.connections += channels;
      counts.bytesIn += bytesIn;
      counts.bytesOut += bytesOut;
    }
    return counts;
  }

  /** Opens a TCP connection at the agent's side. Thrown: `unavailable`, or `resource_exhausted`. */
  open(target: { agentId: string; host: string; port: number; priority: Priority }, handler: ChannelHandler): Channel {
    const { agentId, host, port, priority } = target;
    const session = this.require(agentId);
    const { max_connections: most } = this.#settings;
    if (session.tunnel.stats.channels >= most)
      throw new WatchpostError(
        `The tunnel of "${agentId}" carries ${most} connections already — raise tunnel.max_connections`,
        {
          kind: 'resource_exhausted',
          code: 'TUNNEL_CONNECTIONS_FULL',
        },
      );
    return session.tunnel.open(writeChannelRequest({ kind: 'tcp', host, port }), priority, handler);
  }

  /** Has the agent connect anew: the session ends, and its connections with it. Thrown `not_found`, `unavailable`. */
  async restart(agentId: string): Promise<void> {
    if (!(await this.store.find(agentId))) throw unknownAgent(agentId);
    this.require(agentId).tunnel.close('canceled', 0);
  }

  /** Ends the agent's session and never lets it in again. Thrown `not_found`. */
  async revoke(agentId: string): Promise<void> {
    await this.store.revoke(agentId);
    this.#entries.get(agentId)?.session.tunnel.close('revoked', replacedRetryMs);
    await this.ports.remove(agentId);
  }

  /** Forgets the agent's key: the next agent of that id that has a token is taken. Thrown `not_found`. */
  async release(agentId: string): Promise<void> {
    await this.store.release(agentId);
    this.#entries.get(agentId)?.session.tunnel.close('revoked', 1000);
  }

  /** Sends all agents away, each with a time of its own to come back at. */
  stop(): void {
    this.#isStopping = true;
    this.#door.close();
    for (const { session } of [...this.#entries.values()])
      session.tunnel.close('shutdown', Math.round(1000 + Math.random() * restartSpreadMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.ports[Symbol.asyncDispose]();
  }

  /** The session of an agent. Thrown `unavailable` where it is not there. */
  require(agentId: string): AgentSession {
    const session = this.#entries.get(agentId)?.session;
    if (session) return session;
    throw new WatchpostError(`The agent "${agentId}" is not connected — check that it runs and reaches this server`, {
      kind: 'unavailable',
      code: 'AGENT_OFFLINE',
      context: { agent: agentId },
    });
  }

  async #admit(agent: ProvenAgent): Promise<void> {
    const { hello, enrolledBy, webSocket, address } = agent;
    const { agentId } = hello;
    const refuse = (reason: Refusal) => {
      this.#onRefused(reason, address, agentId);
      webSocket.send(makeRefusal(reason));
      webSocket.close();
    };
    if (this.#isStopping) return refuse('busy');
    if (enrolledBy !== undefined) {
      if ((await this.store.count()) >= this.#settings.max_agents) return refuse('too_many_agents');
      if (!(await this.store.enrol(agentId, hello.publicKey, enrolledBy))) return refuse('key_mismatch');
      this.#tell('agent.enrolled', `The agent "${agentId}" enrolled from ${address}`);
    }
    const epoch = await this.store.nextEpoch(agentId, { address, software: hello.software });
    if (epoch === undefined) return refuse('revoked');
    if (webSocket.readyState !== 1) return;
    this.#attach(agent, epoch);
  }

  #attach(agent: ProvenAgent, epoch: number): void {
    const { hello, resume, webSocket, socket, address } = agent;
    const before = this.#entries.get(hello.agentId);
    // Two handshakes of one agent may end in the other order than they began.
    if (before && before.epoch > epoch) {
      webSocket.terminate();
      return;
    }
    const isSame = before !== undefined && resume?.session === before.session.sessionId;
    if (before && !isSame) this.#replace(before, hello.instance);
    const session = isSame ? before.session : this.#newSession(agent);
    const transport = new WebSocketTransport(webSocket, socket);
    const limits = announcedLimits(serverLimits, hello.limits.maxChannels);
    webSocket.send(
      writeWelcome({
        session: session.sessionId,
        resumed: isSame,
        received: session.tunnel.received,
        epoch,
        graceMs: session.tunnel.graceMs,
        limits,
      }),
    );
    const connectedMs = isSame ? before.connectedMs : this.#options.clock.wallMs();
    const entry: Entry = { session, connectedMs, epoch, isUp: true, software: hello.software, address };
    this.#entries.set(hello.agentId, entry);
    this.#receiveFrom(webSocket, socket, entry);
    if (!session.tunnel.attach(transport, isSame ? resume!.received : 0)) return;
    this.#counts[isSame ? 'resumed' : 'accepted']++;
    const { logger } = this.#options;
    if (isSame) {
      logger.info('An agent resumed its session', { agent: hello.agentId, address });
      return;
    }
    logger.info('An agent connected', { agent: hello.agentId, address, software: hello.software });
    this.#tell('agent.online', `The agent "${hello.agentId}" is connected`);
    for (const listener of this.#listeners) listener.online?.(session);
  }

  #receiveFrom(webSocket: WebSocket, socket: Socket, entry: Entry): void {
    const pace = pauseAbove(() => this.#settings.max_bytes_per_second, socket, this.#options.clock);
    const { tunnel } = entry.session;
    const isCurrent = () => this.#entries.get(entry.session.agentId)?.epoch === entry.epoch;
    webSocket.on('message', (data: Buffer) => {
      if (!isCurrent()) return;
      tunnel.receive(toBytes(data));
      pace(data.length);
    });
    socket.on('drain', () => {
      if (isCurrent()) tunnel.drained();
    });
    webSocket.on('close', () => {
      if (isCurrent()) tunnel.lost('closed');
    });
  }

  #replace(before: Entry, instance: string): void {
    const { agentId } = before.session;
    const isOther = before.session.instance !== instance;
    if (isOther && before.isUp) {
      this.#options.logger.warn('Two agents use one identity', { agent: agentId });
      this.#tell('agent.duplicate', `Two agents use the identity "${agentId}": the newer one took over`, 'warning');
    }
    before.session.tunnel.close(isOther ? 'replaced' : 'session_lost', isOther ? replacedRetryMs : 0);
  }

  #newSession({ hello }: ProvenAgent): AgentSession {
    const { agentId, instance, limits } = hello;
    const session: AgentSession = new AgentSession({
      agentId,
      instance,
      sessionId: randomBytes(16).toString('hex'),
      clock: this.#options.clock,
      graceMs: this.#settings.resume_grace * 1000,
      peer: limits,
      budget: this.#budget,
      events: {
        targets: (message) => void this.#setTargets(session, message),
        cameras: (cameras) => {
          void this.store.setCameras(agentId, cameras);
          this.#tellCameras(agentId, cameras);
        },
        backfillOffer: (offer) => {
          for (const listener of this.#listeners) listener.backfillOffer?.(session, offer);
        },
        notice: ({ level, text }) =>
          this.#tell('agent.notice', `"${agentId}": ${text}`, level === 'warn' ? 'warning' : level),
        linkLost: (cause) => this.#onLinkLost(session, cause),
        closed: (reason) => this.#onClosed(session, reason),
      },
    });
    return session;
  }

  async #setTargets(session: AgentSession, { targets, partial }: TargetsMessage): Promise<void> {
    const { agentId } = session;
    await this.ports.setTargets(agentId, targets, partial);
    const ports = this.ports.of(agentId).map(({ host, port, localPort }) => ({ host, port, local_port: localPort }));
    session.say({ type: 'ports', ports });
  }

  #tellCameras(agentId: string, cameras: readonly CameraReport[]): void {
    for (const listener of this.#listeners) listener.cameras?.(agentId, cameras);
  }

  #onLinkLost(session: AgentSession, cause: string): void {
    const entry = this.#entries.get(session.agentId);
    if (entry?.session !== session) return;
    entry.isUp = false;
    if (cause !== 'session_over')
      this.#options.logger.info('An agent lost its connection', { agent: session.agentId, cause });
  }

  #onClosed(session: AgentSession, reason: ResetReason): void {
    const { agentId, tunnel } = session;
    const { bytesIn, bytesOut } = tunnel.stats;
    this.#counts.bytesIn += bytesIn;
    this.#counts.bytesOut += bytesOut;
    if (this.#entries.get(agentId)?.session !== session) return;
    this.#entries.delete(agentId);
    void this.store.seen(agentId).catch(() => {});
    this.#options.logger.info('An agent is gone', { agent: agentId, reason });
    if (!this.#isStopping) this.#tell('agent.offline', `The agent "${agentId}" is gone: ${reason}`, 'warning');
    for (const listener of this.#listeners) listener.offline?.(agentId, reason);
  }

  #onRefused(reason: string, address: string, agentId?: string): void {
    this.#counts.refused++;
    this.#options.logger.warn('An agent was refused', {
      reason,
      address,
      ...(agentId !== undefined && { agent: agentId }),
    });
  }

  #tell(type: string, message: string, level: 'info' | 'warning' | 'error' = 'info'): void {
    this.#options.events.emit({ type, level, message });
  }
}
