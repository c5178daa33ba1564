import net from 'node:net';
import tls from 'node:tls';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { mediaStreamId } from '@watchpost/media/rtmp/codes.ts';
import { LiveFlv } from '../../../hub/live-flv/live-flv.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { ListenContext } from '../../../hub/types.ts';
import { type BindAddress, formatBind } from '../../../net/bind-address.ts';
import type { Certificate } from '../../../net/certificate.ts';
import { findPortHolder } from '../../../net/port-holder.ts';
import { readShared } from '../../../net/shared-reads.ts';
import { SlabPool } from '../body-memory.ts';
import { chunkSerializer, maxAudioWaitMs, type RtmpBatch } from '../rtmp-batch.ts';
import type { RtmpSettings } from '../section.ts';
import { Connection } from './connection.ts';
import type { RtmpCounts, ServerParts } from './server-parts.ts';

const tickEveryMs = 1000;
const backlog = 4096;
const handshakeMs = 10_000;
/** A dead client without traffic is found in some minutes. */
const keepAliveMs = 60_000;

const minVersion = 'TLSv1.2';

/** What a listener is made of. */
export interface RtmpListenerOptions {
  readonly settings: RtmpSettings;
  readonly counts: RtmpCounts;
}

/** Takes encoders and players until it is disposed. */
export class RtmpListener implements AsyncDisposable {
  readonly #parts: ServerParts;
  readonly #servers: net.Server[] = [];
  /** As the servers made them: those that are not through with TLS yet among them. */
  readonly #sockets = new Set<net.Socket>();
  readonly #connections = new Set<Connection>();
  readonly #maxConnections: number;
  #cancelTick: () => void;
  #disposed = false;

  constructor(hub: StreamHub, context: ListenContext, { settings, counts }: RtmpListenerOptions) {
    const { clock, logger, access } = context;
    const { chunkSize, maxConnections } = settings;
    this.#maxConnections = maxConnections;
    this.#parts = {
      ...{ hub, clock, logger, access, counts, chunkSize, slabs: new SlabPool() },
      live: new LiveFlv<RtmpBatch>({
        ...{ clock, budget: hub.budget, protocol: 'rtmp', mergeMs: 0, maxAudioWaitMs },
        serialize: chunkSerializer({ chunkSize, streamId: mediaStreamId }),
        bytesOf: (batch) => batch.bytes.length,
      }),
    };
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

  /**
   * Binds, once for each address; with a certificate for RTMPS. Throws `unavailable` (`RTMP_PORT_TAKEN`,
   * `RTMP_BIND_FAILED`); resolves to where it listens.
   */
  async listen(bind: BindAddress, certificate?: Certificate): Promise<BindAddress> {
    const server = this.#createServer(certificate);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: bind.host, port: bind.port, backlog }, () => {
        server.off('error', reject);
        resolve();
      });
    }).catch(async (thrown) => {
      throw await bindFailure(thrown, bind, certificate === undefined ? 'bind' : 'bind_tls');
    });
    this.#servers.push(server);
    server.on('error', (error) => this.#parts.logger.error('listener failed', { error }));
    const { address, port } = server.address() as net.AddressInfo;
    return { host: address, port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#cancelTick();
    const reason = new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' });
    for (const connection of [...this.#connections]) connection.close(reason);
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #createServer(certificate: Certificate | undefined): net.Server {
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs };
    const accept = (socket: net.Socket) => this.#accept(socket, certificate === undefined);
    const server =
      certificate === undefined
        ? net.createServer({ ...options, allowHalfOpen: true, pauseOnConnect: true }, accept)
        : // Never half-open: a client that leaves in the middle of its handshake would stay.
          tls.createServer({ ...options, ...certificate.text, handshakeTimeout: handshakeMs, minVersion }, accept);
    server.maxConnections = this.#maxConnections;
    server.prependListener('connection', (socket: net.Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    certificate?.onChange((text) => (server as tls.Server).setSecureContext({ ...text, minVersion }));
    return server;
  }

  #accept(socket: net.Socket, isPlain: boolean): void {
    if (this.#disposed || this.#connections.size >= this.#maxConnections) {
      socket.destroy();
      return;
    }
    const open = (onRead: (bytes: number, buffer: Uint8Array) => void) => {
      if (isPlain) return readShared(socket, { allowHalfOpen: true, onRead });
      socket.on('data', (chunk: Buffer) => onRead(chunk.length, chunk));
      return socket;
    };
    const connection: Connection = new Connection(open, this.#parts, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }

  #tick(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#cancelTick = this.#parts.clock.after(tickEveryMs, () => this.#tick());
    for (const connection of this.#connections) connection.tick(nowMs);
  }
}

async function bindFailure(thrown: unknown, bind: BindAddress, key: 'bind' | 'bind_tls'): Promise<WatchpostError> {
  const { code } = thrown as NodeJS.ErrnoException;
  const context = { host: bind.host, port: bind.port };
  if (code !== 'EADDRINUSE')
    return new WatchpostError(`cannot listen on ${formatBind(bind)} — check protocols.rtmp.${key} (${code})`, {
      kind: 'unavailable',
      code: 'RTMP_BIND_FAILED',
      context,
      cause: thrown,
    });
  const holder = await findPortHolder(bind.port);
  const by = holder ? `by "${holder.name}" (process ${holder.pid})` : 'by another program';
  return new WatchpostError(
    `port ${bind.port} is taken ${by} — stop it, or choose another port with protocols.rtmp.${key}`,
    { kind: 'unavailable', code: 'RTMP_PORT_TAKEN', context },
  );
}
