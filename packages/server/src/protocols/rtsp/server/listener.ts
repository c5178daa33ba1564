import net from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { ListenContext } from '../../../hub/types.ts';
import { type BindAddress, formatBind } from '../../../net/bind-address.ts';
import { findPortHolder } from '../../../net/port-holder.ts';
import type { RtspSettings } from '../section.ts';
import { Connection } from './connection.ts';
import type { PlayerCounts } from './player.ts';
import { RtpOutputs } from './rtp-output.ts';
import type { ServerLimits, ServerParts } from './server-parts.ts';
import { UdpPorts } from './udp-ports.ts';

const tickEveryMs = 1000;
const backlog = 4096;
/** A dead client without traffic is found in some minutes. */
const keepAliveMs = 60_000;
const defaultLimits: ServerLimits = { maxConnections: 5000, maxPlays: 4096 };

/** What a listener is made of. */
export interface RtspListenerOptions {
  readonly settings: RtspSettings;
  readonly serverName: string;
  readonly counts: PlayerCounts;
  readonly limits?: ServerLimits;
}

/** Takes players and publishers until it is disposed. */
export class RtspListener implements AsyncDisposable {
  readonly #parts: ServerParts;
  readonly #server: net.Server;
  readonly #connections = new Map<net.Socket, Connection>();
  #cancelTick: () => void;
  #disposed = false;

  constructor(hub: StreamHub, context: ListenContext, options: RtspListenerOptions) {
    const { clock, logger, access } = context;
    const { settings, serverName, counts, limits = defaultLimits } = options;
    this.#parts = {
      ...{ hub, clock, logger, access, serverName, counts, limits },
      outputs: new RtpOutputs(clock, hub.budget),
      ports: new UdpPorts(settings.portRange),
      plays: new Map(),
    };
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: keepAliveMs };
    // Half-open, so that a client that says all it has and then listens is answered.
    this.#server = net.createServer({ noDelay: true, allowHalfOpen: true, ...keepAlive }, (s) => this.#accept(s));
    this.#cancelTick = clock.after(tickEveryMs, () => this.#tick());
  }

  /** Clients that are connected. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Clients that publish. */
  get publishers(): number {
    return this.#parts.hub.publishers.countOf('rtsp');
  }

  /** Binds. Throws `unavailable` (`RTSP_PORT_TAKEN`, `RTSP_BIND_FAILED`); resolves to where it listens. */
  async listen(bind: BindAddress): Promise<BindAddress> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: bind.host, port: bind.port, backlog }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    }).catch(async (thrown) => {
      throw await bindFailure(thrown, bind);
    });
    this.#server.on('error', (error) => this.#parts.logger.error('listener failed', { error }));
    const { address, port } = this.#server.address() as net.AddressInfo;
    return { host: address, port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#cancelTick();
    const reason = new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' });
    for (const connection of this.#connections.values()) connection.end(reason);
    for (const play of this.#parts.plays.values()) play.close();
    this.#parts.plays.clear();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#connections.keys()) socket.destroy();
    await closed;
  }

  #accept(socket: net.Socket): void {
    if (this.#disposed || this.#connections.size >= this.#parts.limits.maxConnections) {
      socket.destroy();
      return;
    }
    this.#connections.set(socket, new Connection(socket, this.#parts));
    socket.on('close', () => this.#connections.delete(socket));
  }

  #tick(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#cancelTick = this.#parts.clock.after(tickEveryMs, () => this.#tick());
    for (const connection of this.#connections.values()) connection.tick(nowMs);
    for (const [id, play] of this.#parts.plays) {
      const silent = play.rtsp.state === 'playing' ? play.tick(nowMs) : undefined;
      if (silent === undefined) continue;
      this.#parts.plays.delete(id);
      play.rtsp.state = 'ended';
      play.close();
    }
  }
}

async function bindFailure(thrown: unknown, bind: BindAddress): Promise<WatchpostError> {
  const { code } = thrown as NodeJS.ErrnoException;
  const context = { host: bind.host, port: bind.port };
  if (code !== 'EADDRINUSE')
    return new WatchpostError(`cannot listen on ${formatBind(bind)} — check protocols.rtsp.bind (${code})`, {
      kind: 'unavailable',
      code: 'RTSP_BIND_FAILED',
      context,
      cause: thrown,
    });
  const holder = await findPortHolder(bind.port);
  const by = holder ? `by "${holder.name}" (process ${holder.pid})` : 'by another program';
  return new WatchpostError(
    `port ${bind.port} is taken ${by} — stop it, or choose another port with protocols.rtsp.bind`,
    { kind: 'unavailable', code: 'RTSP_PORT_TAKEN', context },
  );
}
