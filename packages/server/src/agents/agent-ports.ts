import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '@watchpost/base/logger.ts';
import type { TargetReport } from '@watchpost/tunnel/messages/agent-message.ts';
import type { Channel } from '@watchpost/tunnel/types.ts';
import type { AgentPort, AgentStore } from '../catalog/agents/agent-store.ts';
import { PortConnection } from './port-connection.ts';

/** Ports that are kept for targets which are not there now. */
const maxReserved = 10_000;
/** Ports tried after the first before it is given up. */
const maxTries = 10_000;

/** A port that listens, and what went through it. */
export interface OpenPort extends AgentPort {
  readonly connections: ReadonlySet<PortConnection>;
  /** Of all connections so far, both directions. */
  readonly bytesTransferred: number;
}

/** Where local connections go. */
export interface PortOptions {
  readonly store: AgentStore;
  readonly logger: Logger;
  readonly bind: string;
  readonly firstPort: number;
  /** Opens a channel to the target; thrown where there is none to be had. */
  readonly join: (port: AgentPort, connection: PortConnection) => Channel;
}

interface Listener {
  readonly port: AgentPort;
  readonly server: Server;
  readonly connections: Set<PortConnection>;
  endedBytes: number;
}

/** The local ports of all agents: each is the port of a camera, the same after a restart. */
export class AgentPorts {
  readonly #options: PortOptions;
  readonly #listeners = new Map<string, Listener>();
  /** Ports that are remembered, also those that could not be opened. */
  readonly #taken = new Set<number>();
  /** What targets had that an agent does not report now: a camera that was off, or a port that was closed, comes back to it. */
  readonly #reserved = new Map<string, number>();
  /** Until they are open. */
  #remembered: readonly AgentPort[] | undefined;
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: PortOptions) {
    this.#options = options;
  }

  /** Reads which ports were given before. */
  async remember(): Promise<void> {
    this.#remembered = await this.#options.store.ports();
    for (const { localPort } of this.#remembered) this.#taken.add(localPort);
  }

  /** Opens the remembered ports; one that another program took meanwhile is given anew when its agent comes. */
  async restore(): Promise<void> {
    const remembered = this.#remembered ?? [];
    for (const port of remembered) {
      const listener = await this.#listen(port);
      if (listener) this.#listeners.set(keyOf(port), listener);
      else this.#options.logger.warn('A tunnel port is taken by another program', { port: port.localPort });
    }
    this.#remembered = undefined;
  }

  /** The ports of all agents. */
  all(): readonly AgentPort[] {
    return this.#remembered ?? [...this.#listeners.values()].map(({ port }) => port);
  }

  /** The ports of one agent, lowest first. */
  of(agentId: string): readonly OpenPort[] {
    return [...this.#listeners.values()]
      .filter(({ port }) => port.agentId === agentId)
      .map(({ port, connections, endedBytes }) => ({
        ...port,
        connections,
        bytesTransferred: sum(connections, endedBytes),
      }))
      .sort((a, b) => a.localPort - b.localPort);
  }

  /**
   * Gives each target its port, and closes those of targets that are no longer there, unless the list is `partial`. One
   * agent after another.
   */
  setTargets(agentId: string, targets: readonly TargetReport[], partial = false): Promise<void> {
    const done = this.#work.then(() => this.#setTargets(agentId, targets, partial));
    this.#work = done.catch((error) => this.#options.logger.error('Tunnel ports could not be opened', { error }));
    return done;
  }

  /** Closes all ports of an agent, for ever. */
  async remove(agentId: string): Promise<void> {
    await this.setTargets(agentId, []);
    for (const key of this.#reserved.keys()) if (key.startsWith(`${agentId}\n`)) this.#release(key);
  }

  /** Ends all connections and listeners. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#work;
    await Promise.all([...this.#listeners.values()].map((listener) => this.#close(listener)));
  }

  async #setTargets(agentId: string, targets: readonly TargetReport[], partial: boolean): Promise<void> {
    const wanted = new Map(targets.map((target) => [keyOf({ agentId, ...target }), target]));
    for (const [key, listener] of [...this.#listeners])
      if (!partial && listener.port.agentId === agentId && !wanted.has(key)) {
        await this.#close(listener);
        await this.#options.store.removePort(listener.port);
        this.#reserve(key, listener.port.localPort);
      }
    for (const [key, target] of wanted) await this.#give(key, agentId, target);
  }

  async #give(key: string, agentId: string, target: TargetReport): Promise<void> {
    const { host, port, service, tunnel_port: wish } = target;
    const before = this.#listeners.get(key);
    // One that could not be had when the port was given does not move it later: it is a camera's address by then.
    const isNewWish = wish !== undefined && wish !== before?.port.wishedPort && wish !== before?.port.localPort;
    if (before && !(isNewWish && !this.#taken.has(wish))) return;
    const reserved = this.#release(key);
    for (const localPort of before ? [wish!] : this.#candidates(reserved ?? wish)) {
      const listener = await this.#listen({ agentId, host, port, service, localPort, wishedPort: wish });
      if (!listener) continue;
      if (before) await this.#close(before);
      if (before) this.#taken.delete(before.port.localPort);
      this.#listeners.set(key, listener);
      this.#taken.add(localPort);
      await this.#options.store.setPort(listener.port);
      return;
    }
    if (!before) this.#options.logger.error('No port is free for a tunnel', { agent: agentId, host, port });
  }

  #reserve(key: string, localPort: number): void {
    const [oldest] = this.#reserved.keys();
    if (this.#reserved.size >= maxReserved) this.#release(oldest!);
    this.#reserved.set(key, localPort);
  }

  #release(key: string): number | undefined {
    const localPort = this.#reserved.get(key);
    this.#reserved.delete(key);
    if (localPort !== undefined) this.#taken.delete(localPort);
    return localPort;
  }

  *#candidates(wish: number | undefined): Iterable<number> {
    if (wish !== undefined && !this.#taken.has(wish)) yield wish;
    const { firstPort } = this.#options;
    for (let port = firstPort; port < Math.min(firstPort + maxTries, 65_536); port++)
      if (!this.#taken.has(port)) yield port;
  }

  #listen(port: AgentPort): Promise<Listener | undefined> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true });
    const listener: Listener = { port, server, connections: new Set(), endedBytes: 0 };
    server.on('connection', (socket) => this.#onConnection(listener, socket));
    return new Promise((resolve) => {
      server.once('error', () => resolve(undefined));
      server.listen({ host: this.#options.bind, port: port.localPort }, () => {
        server.removeAllListeners('error');
        server.on('error', (error) =>
          this.#options.logger.warn('A tunnel port failed', { port: port.localPort, error }),
        );
        resolve(listener);
      });
    });
  }

  #onConnection(listener: Listener, socket: Socket): void {
    const connection = new PortConnection(socket, () => {
      listener.connections.delete(connection);
      listener.endedBytes += connection.bytesIn + connection.bytesOut;
    });
    socket.on('error', () => {});
    try {
      connection.join(this.#options.join(listener.port, connection));
      listener.connections.add(connection);
    } catch {
      // A client of a camera understands a closed connection, and nothing that we could say.
      socket.resetAndDestroy();
    }
  }

  async #close({ server, connections, port }: Listener): Promise<void> {
    if (this.#listeners.get(keyOf(port))?.server === server) this.#listeners.delete(keyOf(port));
    for (const connection of connections) connection.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

function keyOf({ agentId, host, port }: Pick<AgentPort, 'agentId' | 'host' | 'port'>): string {
  return `${agentId}\n${host}\n${port}`;
}

function sum(connections: ReadonlySet<PortConnection>, endedBytes: number): number {
  let bytes = endedBytes;
  for (const connection of connections) bytes += connection.bytesIn + connection.bytesOut;
  return bytes;
}
