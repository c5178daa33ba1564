import type net from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { RecordedSource } from '../../../catalog/recorded-source.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { ListenContext } from '../../../hub/types.ts';
import type { BindAddress } from '../../../net/bind-address.ts';
import type { Certificate } from '../../../net/certificate.ts';
import { type OpenPort, TcpListeners } from '../../../net/tcp-listeners.ts';
import { ClientLine } from './client-line.ts';
import { Connection } from './connection.ts';
import { Doorstep } from './doorstep.ts';
import type { Guest } from './guest.ts';
import { HttpTunnels } from './http-tunnels.ts';
import { MulticastGroups } from './multicast-groups.ts';
import type { PlayerCounts } from './player.ts';
import { RtpOutputs } from './rtp-output.ts';
import type { ServerLimits, ServerParts } from './server-parts.ts';
import type { RtspSettings } from './settings.ts';
import { UdpPorts } from './udp-ports.ts';

const tickEveryMs = 1000;
const defaultLimits: ServerLimits = { maxConnections: 5000, maxPlays: 4096 };

/** What a listener is made of. */
export interface RtspListenerOptions {
  /** What counts now. */
  readonly settings: () => Omit<RtspSettings, 'bind' | 'tls'>;
  readonly serverName: string;
  readonly counts: PlayerCounts;
  readonly limits?: ServerLimits;
  readonly recordings?: RecordedSource;
}

/** Takes players and publishers until it is disposed. */
export class RtspListener implements AsyncDisposable {
  readonly #parts: ServerParts;
  readonly #ports: TcpListeners;
  readonly #guests = new Map<net.Socket, Guest>();
  readonly #tunnels: HttpTunnels;
  #cancelTick: () => void;
  #disposed = false;

  constructor(hub: StreamHub, context: ListenContext, options: RtspListenerOptions) {
    const { clock, logger, access, located } = context;
    const { settings, serverName, counts, recordings, limits = defaultLimits } = options;
    const outputs = new RtpOutputs(clock, hub.budget);
    this.#parts = {
      ...{ hub, clock, logger, access, serverName, counts, limits },
      outputs,
      ...(located && { located }),
      groups: new MulticastGroups({ settings: () => settings().multicast, clock, outputs, counts }),
      ports: new UdpPorts(() => settings().portRange),
      plays: new Map(),
      ...(recordings && { recordings }),
      get digest() {
        return settings().digest === true;
      },
    };
    this.#tunnels = new HttpTunnels({
      serverName,
      nowMs: () => clock.monotonicMs(),
      connect: (socket) => this.#connect(socket),
      hand: (socket, guest) => this.#guests.set(socket, guest),
    });
    this.#ports = new TcpListeners({
      // One more than may stay: it may push out one that has set nothing up.
      ...{ protocol: 'rtsp', logger, maxConnections: () => limits.maxConnections + 1 },
      pauseOnConnect: true,
      accept: (socket) => this.#accept(socket),
    });
    this.#cancelTick = clock.after(tickEveryMs, () => this.#tick());
  }

  /** Clients that are connected. */
  get connections(): number {
    return this.#guests.size;
  }

  /** Clients that publish. */
  get publishers(): number {
    return this.#parts.hub.publishers.countOf('rtsp');
  }

  /**
   * Binds, once for each address; with a certificate for RTSP over TLS. Throws `unavailable` (`RTSP_PORT_TAKEN`,
   * `RTSP_BIND_FAILED`); resolves to where it listens.
   */
  listen(bind: BindAddress, certificate?: Certificate): Promise<OpenPort> {
    return this.#ports.listen(bind, certificate);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#cancelTick();
    const reason = new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' });
    for (const [socket, guest] of [...this.#guests]) {
      guest.end(reason);
      socket.destroy();
    }
    for (const play of this.#parts.plays.values()) play.close();
    this.#parts.plays.clear();
    await this.#ports[Symbol.asyncDispose]();
  }

  #accept(accepted: net.Socket): void {
    if (this.#disposed || !this.#makeRoom()) {
      accepted.destroy();
      return;
    }
    const handler = {
      onRtsp: (line: ClientLine, first: Uint8Array) => {
        const connection = this.#connect(line.socket);
        line.hear((chunk) => connection.receive(chunk));
        connection.receive(first);
      },
      onTunnel: this.#tunnels.accept.bind(this.#tunnels),
    };
    const line = new ClientLine(accepted);
    const { socket } = line;
    this.#guests.set(socket, new Doorstep(line, handler, this.#parts.clock.monotonicMs()));
    socket.on('close', () => this.#guests.delete(socket));
  }

  /** Where there is no place left, the stranger who has been here longest goes: silent ones keep no player out. */
  #makeRoom(): boolean {
    if (this.#guests.size < this.#parts.limits.maxConnections) return true;
    const stranger = this.#guests.entries().find(([, guest]) => guest.isStranger === true);
    if (stranger === undefined) return false;
    const [socket] = stranger;
    this.#guests.delete(socket);
    socket.destroy();
    return true;
  }

  #connect(socket: net.Socket): Connection {
    const connection = new Connection(socket, this.#parts);
    this.#guests.set(socket, connection);
    return connection;
  }

  #tick(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#cancelTick = this.#parts.clock.after(tickEveryMs, () => this.#tick());
    for (const guest of this.#guests.values()) guest.tick(nowMs);
    for (const [id, play] of this.#parts.plays) {
      const silent = play.tick(nowMs);
      if (silent === undefined) continue;
      this.#parts.plays.delete(id);
      play.rtsp.state = 'ended';
      play.close();
    }
  }
}
