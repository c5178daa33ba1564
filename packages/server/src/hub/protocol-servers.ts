import { ProtocolGate } from './protocol-gate.ts';
import type { StreamHub } from './stream-hub.ts';
import type { ListenContext, Protocol, ProtocolServer } from './types.ts';

/** What the servers of protocols are made of. */
export interface ProtocolServersOptions {
  readonly protocols: readonly Protocol[];
  readonly hub: StreamHub;
  contextOf(protocol: Protocol): ListenContext;
  /** Whether others may reach us by it, as the configuration says now. */
  isServed(protocol: Protocol): boolean;
}

/** One protocol that others reach us by. */
interface Server {
  readonly protocol: Protocol;
  readonly context: ListenContext;
  readonly gate: ProtocolGate;
  /** Missing while it has no port open. */
  listening?: ProtocolServer | undefined;
}

/**
 * How others reach us, switched on and off by `protocols.enabled` while the server runs. Routes of the shared HTTP server
 * stay for good and let nobody in while their protocol is off; ports of a protocol's own are closed.
 */
export class ProtocolServers implements AsyncDisposable {
  readonly #options: ProtocolServersOptions;
  readonly #servers: readonly Server[];
  #disposed = false;

  private constructor(options: ProtocolServersOptions) {
    this.#options = options;
    this.#servers = options.protocols
      .filter(({ listen }) => listen !== undefined)
      .map((protocol) => {
        const context = options.contextOf(protocol);
        const gate = new ProtocolGate({ protocol: protocol.name, access: context.access }, options.isServed(protocol));
        return { protocol, context: { ...context, access: gate }, gate };
      });
  }

  /** Adds all routes and opens the ports of what is switched on. Before the shared HTTP server listens. */
  static async open(options: ProtocolServersOptions): Promise<ProtocolServers> {
    const servers = new ProtocolServers(options);
    try {
      for (const server of servers.#servers)
        if (!server.protocol.hasOwnPorts || options.isServed(server.protocol)) await servers.#listen(server);
      return servers;
    } catch (thrown) {
      await servers[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Switches on and off what the configuration says now. */
  async configure(): Promise<void> {
    for (const server of this.#servers) {
      if (this.#disposed) return;
      const isServed = this.#options.isServed(server.protocol);
      server.gate.isOpen = isServed;
      if (!isServed && server.protocol.hasOwnPorts) await this.#stop(server);
      else if (server.listening === undefined) await this.#listen(server);
      else await server.listening.reload?.();
    }
  }

  /** The one that came last ends first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    for (const server of this.#servers.toReversed()) await this.#stop(server);
  }

  async #listen(server: Server): Promise<void> {
    server.listening = await server.protocol.listen!(this.#options.hub, server.context);
    if (this.#disposed) await this.#stop(server);
  }

  async #stop(server: Server): Promise<void> {
    const { listening } = server;
    server.listening = undefined;
    await listening?.[Symbol.asyncDispose]();
  }
}
