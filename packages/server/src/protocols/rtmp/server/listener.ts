import type net from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { mediaStreamId } from '@watchpost/media/rtmp/codes.ts';
import { chunkSerializer, maxAudioWaitMs, type RtmpBatch } from '@watchpost/media/rtmp/media-batch.ts';
import { BatchVoices } from '../../../hub/live-flv/batch-voices.ts';
import { LiveFlv } from '../../../hub/live-flv/live-flv.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { ListenContext } from '../../../hub/types.ts';
import type { BindAddress } from '../../../net/bind-address.ts';
import type { Certificate } from '../../../net/certificate.ts';
import { RestRounds } from '../../../net/rest-rounds.ts';
import { readShared } from '../../../net/shared-reads.ts';
import { type OpenPort, TcpListeners } from '../../../net/tcp-listeners.ts';
import { SlabPool } from '../body-memory.ts';
import type { RtmpSettings } from '../section.ts';
import { Connection } from './connection.ts';
import type { ChunkedOutput, RtmpCounts, ServerParts } from './server-parts.ts';

const tickEveryMs = 1000;

/** What a listener is made of. */
export interface RtmpListenerOptions {
  /** What counts now. */
  readonly settings: () => Pick<RtmpSettings, 'chunkSize' | 'maxConnections'>;
  readonly counts: RtmpCounts;
}

/** Takes encoders and players until it is disposed. */
export class RtmpListener implements AsyncDisposable {
  readonly #parts: ServerParts;
  readonly #ports: TcpListeners;
  readonly #connections = new Set<Connection>();
  readonly #settings: RtmpListenerOptions['settings'];
  /** By size of chunks: all who were told of one share the same bytes. */
  readonly #outputs = new Map<number, ChunkedOutput>();
  #cancelTick: () => void;
  #disposed = false;

  constructor(hub: StreamHub, context: ListenContext, { settings, counts }: RtmpListenerOptions) {
    const { clock, logger, access } = context;
    this.#settings = settings;
    this.#parts = {
      ...{ hub, clock, logger, access, counts, slabs: new SlabPool(), rounds: new RestRounds(clock) },
      voices: new BatchVoices(
        (batch) => batch.bytes,
        (bytes) => {
          counts.bytesSent += bytes;
        },
      ),
      newestOutput: () => this.#output(settings().chunkSize),
    };
    this.#ports = new TcpListeners({
      // One more than may stay: it may push out one that says nothing.
      ...{ protocol: 'rtmp', logger, maxConnections: () => settings().maxConnections + 1, pauseOnConnect: true },
      accept: (socket) => this.#accept(socket),
    });
    this.#cancelTick = clock.after(tickEveryMs, () => this.#tick());
  }

  /** Clients that are connected. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Streams that are made into chunks now. */
  get muxing(): number {
    return this.#outputs.values().reduce((sum, { live }) => sum + live.active, 0);
  }

  /**
   * Binds, once for each address; with a certificate for RTMPS. Throws `unavailable` (`RTMP_PORT_TAKEN`,
   * `RTMP_BIND_FAILED`); resolves to where it listens.
   */
  listen(bind: BindAddress, certificate?: Certificate): Promise<OpenPort> {
    return this.#ports.listen(bind, certificate);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#cancelTick();
    const reason = new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' });
    for (const connection of [...this.#connections]) connection.close(reason);
    await this.#ports[Symbol.asyncDispose]();
  }

  #output(chunkSize: number): ChunkedOutput {
    let output = this.#outputs.get(chunkSize);
    if (output === undefined) {
      const { clock, hub } = this.#parts;
      const live = new LiveFlv<RtmpBatch>({
        ...{ clock, budget: hub.budget, protocol: 'rtmp', mergeMs: () => 0, maxAudioWaitMs },
        serialize: chunkSerializer({ chunkSize, streamId: mediaStreamId, allocate: Buffer.allocUnsafe }),
        bytesOf: (batch) => batch.bytes.length,
      });
      output = { chunkSize, live };
      this.#outputs.set(chunkSize, output);
    }
    return output;
  }

  #accept(socket: net.Socket): void {
    if (this.#disposed || !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    const open = (onRead: (bytes: number, buffer: Uint8Array) => boolean) =>
      readShared(socket, { allowHalfOpen: true, onRead });
    const connection: Connection = new Connection(open, this.#parts, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }

  /** Where there is no place left, the stranger who has been here longest goes: silent ones keep no encoder out. */
  #makeRoom(): boolean {
    if (this.#connections.size < this.#settings().maxConnections) return true;
    const stranger = this.#connections.values().find(({ isStranger }) => isStranger);
    if (stranger === undefined) return false;
    this.#connections.delete(stranger);
    stranger.drop();
    return true;
  }

  #tick(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#cancelTick = this.#parts.clock.after(tickEveryMs, () => this.#tick());
    for (const connection of this.#connections) connection.tick(nowMs);
  }
}
