import net from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { mediaStreamId } from '@watchpost/media/rtmp/codes.ts';
import { LiveFlv } from '../../../hub/live-flv/live-flv.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { ListenContext } from '../../../hub/types.ts';
import { type BindAddress, formatBind } from '../../../net/bind-address.ts';
import { findPortHolder } from '../../../net/port-holder.ts';
import { chunkSerializer, maxAudioWaitMs, type RtmpBatch } from '../rtmp-batch.ts';
import type { RtmpSettings } from '../section.ts';
import { Connection } from './connection.ts';
import type { RtmpCounts, ServerParts } from './server-parts.ts';

const tickEveryMs = 1000;
const backlog = 4096;
/** A dead client without traffic is found in some minutes. */
const keepAliveMs = 60_000;

/** What a listener is made of. */
export interface RtmpListenerOptions {
  readonly settings: RtmpSettings;
  readonly counts: RtmpCounts;
}

/** Takes encoders and players until it is disposed. */
export class RtmpListener implements AsyncDisposable {
  readonly #parts: ServerParts;
  readonly #server: net.Server;
  readonly #connections = new Map<net.Socket, Connection>();
  readonly #maxConnections: number;
  #cancelTick: () => void;
  #disposed = false;

  constructor(hub: StreamHub, context: ListenContext, { settings, counts }: RtmpListenerOptions) {
    const { clock, logger, access } = context;
    const { chunkSize, maxConnections } = settings;
    this.#maxConnections = maxConnections;
    this.#parts = {
      ...{ hub, clock, logger, access, counts, chunkSize },
      live: new LiveFlv<RtmpBatch>({
        ...{ clock, budget: hub.budget, protocol: 'rtmp', mergeMs: 0, maxAudioWaitMs },
        serialize: chunkSerializer({ chunkSize, streamId: mediaStreamId }),
        bytesOf: (batch) => batch.bytes.length,
      }),
    };
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: keepAliveMs };
    this.#server = net.createServer({ noDelay: true, allowHalfOpen: true, ...keepAlive }, (s) => this.#accept(s));
    this.#cancelTick = clock.after(tickEveryMs, () => this.#tick());
  }

  /** Clients that are connected. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Streams that are made into chunks now. */
  get muxing(): number {
    return this.#parts.live.active;
  }

  /** Binds. Throws `unavailable` (`RTMP_PORT_TAKEN`, `RTMP_BIND_FAILED`); resolves to where it listens. */
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
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#connections.keys()) socket.destroy();
    await closed;
  }

  #accept(socket: net.Socket): void {
    if (this.#disposed || this.#connections.size >= this.#maxConnections) {
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
  }
}

async function bindFailure(thrown: unknown, bind: BindAddress): Promise<WatchpostError> {
  const { code } = thrown as NodeJS.ErrnoException;
  const context = { host: bind.host, port: bind.port };
  if (code !== 'EADDRINUSE')
    return new WatchpostError(`cannot listen on ${formatBind(bind)} — check protocols.rtmp.bind (${code})`, {
      kind: 'unavailable',
      code: 'RTMP_BIND_FAILED',
      context,
      cause: thrown,
    });
  const holder = await findPortHolder(bind.port);
  const by = holder ? `by "${holder.name}" (process ${holder.pid})` : 'by another program';
  return new WatchpostError(
    `port ${bind.port} is taken ${by} — stop it, or choose another port with protocols.rtmp.bind`,
    { kind: 'unavailable', code: 'RTMP_PORT_TAKEN', context },
  );
}
