import net from 'node:net';
import { ManualClock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { FlvMuxer } from '@watchpost/media/container/flv/muxer.ts';
import { chunkMessage } from '@watchpost/media/rtmp/chunk-writer.ts';
import { RtmpClient } from '@watchpost/media/rtmp/client.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { Stream } from '../../../hub/stream.ts';
import { StreamHub } from '../../../hub/stream-hub.ts';
import { TestGrant } from '../../../hub/test-grant.ts';
import type { AccessRequest, ListenContext, StreamDefinition } from '../../../hub/types.ts';
import { RtmpListener } from './listener.ts';
import type { RtmpCounts } from './server-parts.ts';

/** H.264, 1280x720, with parameter sets as x264 writes them. */
export const picture: Track = {
  ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000 },
  parameterSets: [
    Uint8Array.from(atob('Z2QAKKzZQFAFuwEQAAADABAAAAMDIPGDGWA='), (c) => c.charCodeAt(0)),
    Uint8Array.from(atob('aOvjyyLA'), (c) => c.charCodeAt(0)),
  ],
};
/** AAC, 44 100 Hz, stereo. */
export const sound: Track = {
  ...{ id: 1, kind: 'audio', codec: 'aac', clockRate: 44_100, sampleRate: 44_100, channels: 2 },
  parameterSets: [Uint8Array.of(0x12, 0x10)],
};

/** A listener on a free port of loopback, whose time stands still. */
export class RtmpServerBench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly hub: StreamHub;
  readonly counts: RtmpCounts = {
    ...{ players: 0, playersTotal: 0, bytesReceived: 0, bytesSent: 0 },
    ...{ droppedSamples: 0, stuckPlayers: 0 },
  };
  /** What the configuration says now. */
  readonly settings = { chunkSize: 4096, maxConnections: 100 };
  readonly asked: AccessRequest[] = [];
  /** What all are given. */
  readonly grant = new TestGrant();
  /** What access control says; everybody is let in if it is missing. */
  refuse: ((request: AccessRequest) => WatchpostError | undefined) | undefined;
  port = 0;
  listener!: RtmpListener;
  readonly #clients: RtmpTestClient[] = [];

  private constructor() {
    this.hub = new StreamHub({
      ...{ clock: this.clock, logger: silentLogger, reconnectDelayMs: 1000 },
      protocolFor: () => undefined,
      pull: async () => {},
    });
  }

  /** Starts one. */
  static async open(options: { maxConnections?: number } = {}): Promise<RtmpServerBench> {
    const bench = new RtmpServerBench();
    const bind = { host: '127.0.0.1', port: 0 };
    const context = {
      ...{ clock: bench.clock, logger: silentLogger, section: {}, signal: new AbortController().signal },
      access: {
        authorize: async (request: AccessRequest) => {
          bench.asked.push(request);
          const refusal = bench.refuse?.(request);
          if (refusal) throw refusal;
          return bench.grant;
        },
      },
    } as unknown as ListenContext;
    bench.settings.maxConnections = options.maxConnections ?? 100;
    bench.listener = new RtmpListener(bench.hub, context, { settings: () => bench.settings, counts: bench.counts });
    ({ port: bench.port } = await bench.listener.listen(bind));
    return bench;
  }

  /** Defines a stream without a source. */
  define(id: string, more: Partial<StreamDefinition> = {}): Promise<Stream> {
    return this.hub.define({
      ...{ id, title: id, protocol: 'rtmp', sources: [], record: false, onDemand: false, stopped: false },
      origin: 'api',
      ...more,
    });
  }

  connect(mode: 'play' | 'publish', name: string, socket?: net.Socket): RtmpTestClient {
    const client = new RtmpTestClient(socket ?? net.connect(this.port, '127.0.0.1'), mode, name);
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.socket.destroy();
    await this.listener[Symbol.asyncDispose]();
    await this.hub[Symbol.asyncDispose]();
  }
}

/** One connection that plays or publishes. */
export class RtmpTestClient {
  readonly socket: net.Socket;
  readonly media: { type: number; timestampMs: number; bytes: number }[] = [];
  /** All bytes since it plays. */
  received = 0;
  active = false;
  closed = false;
  failure: WatchpostError | undefined;
  readonly #muxer: FlvMuxer;
  #frame = 0;

  constructor(socket: net.Socket, mode: 'play' | 'publish', name: string, tracks: readonly Track[] = [picture, sound]) {
    this.socket = socket;
    this.#muxer = new FlvMuxer(tracks);
    const client = new RtmpClient(
      { url: `rtmp://127.0.0.1/live/${name}`, mode, chunkSize: 4096, version: 'test' },
      {
        send: (bytes) => socket.write(bytes),
        onActive: () => {
          this.active = true;
        },
        onMedia: (type, timestampMs, body) => this.media.push({ type, timestampMs, bytes: body.length }),
        connect: () => {},
        onEnd: (error) => {
          this.failure = error;
        },
      },
    );
    client.start();
    socket.on('data', (chunk) => {
      this.received += chunk.length;
      client.receive(chunk, 0, chunk.length);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
  }

  /** Metadata and sequence headers. */
  begin(): void {
    for (const { tagType, body } of this.#muxer.beginBodies()) this.#send(tagType, 0, body);
  }

  /** So many pictures of so many bytes, a key picture every 25, each with a frame of sound. */
  play(count: number, bytes = 500): void {
    for (let i = 0; i < count; i++) {
      const key = this.#frame % 25 === 0;
      const unit = new Uint8Array(bytes).fill(1);
      unit[0] = key ? 0x65 : 0x41;
      this.#sample(this.#muxer.tracks[0]!, { ms: this.#frame * 40, key, unit });
      if (this.#muxer.tracks[1])
        this.#sample(this.#muxer.tracks[1], { ms: this.#frame * 40, key: true, unit: new Uint8Array(50) });
      this.#frame++;
    }
  }

  #sample(track: Track, { ms, key, unit }: { ms: number; key: boolean; unit: Uint8Array }): void {
    const dts = Math.round((ms * track.clockRate) / 1000);
    const sample: Sample = { track, dts, pts: dts, key, units: [unit], byteLength: unit.length, wallMs: 0, lost: 0 };
    const body = new Uint8Array(this.#muxer.bodyBytes(sample));
    this.#muxer.writeBody(sample, body, 0);
    this.#send(track.kind === 'video' ? 9 : 8, ms, body);
  }

  #send(type: number, timestampMs: number, body: Uint8Array): void {
    this.socket.write(chunkMessage({ chunkStreamId: 4, type, timestampMs, streamId: 1, chunkSize: 4096 }, body));
  }
}

/** Resolves once it is so; real time, for sockets. */
export async function until(isSo: () => boolean, withinMs = 3000): Promise<void> {
  for (const end = performance.now() + withinMs; !isSo(); await new Promise((resolve) => setTimeout(resolve, 2)))
    if (performance.now() > end) throw new Error(`it did not become so: ${isSo}`);
}
