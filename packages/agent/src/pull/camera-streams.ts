import type { Logger } from '@watchpost/base/logger.ts';
import type { BufferRange } from '@watchpost/tunnel/messages/agent-message.ts';
import { diskBlocks, memoryBlocks } from '../buffer/block-stores.ts';
import { EdgeBuffer } from '../buffer/edge-buffer.ts';
import { RunClock } from '../buffer/run-clock.ts';
import type { AgentConfig, CameraConfig } from '../config/agent-config.ts';
import type { Platform } from '../platform/platform.ts';
import { Publisher } from '../publish/publisher.ts';
import { CameraPull } from './camera-pull.ts';

/** What the streams need. */
export interface CameraStreamsOptions {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly config: AgentConfig;
  /** By the file alone, without any changes. */
  readonly local: AgentConfig;
  readonly onBytes: (host: string, port: number, count: number) => void;
  readonly signal: AbortSignal;
}

/** A buffer and whose stream it keeps, as the server is told. */
export interface BufferOffer {
  readonly buffer: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly ranges: readonly BufferRange[];
}

interface Pulled {
  readonly camera: CameraConfig;
  readonly path: string;
  readonly pull: CameraPull;
  readonly buffer: EdgeBuffer | undefined;
}

/** The cameras that the agent itself plays: to keep what they send, to publish it, or both over one connection. */
export class CameraStreams {
  readonly #options: CameraStreamsOptions;
  readonly #clock: RunClock;
  readonly #pulled: Pulled[] = [];
  readonly #publishers: Publisher[] = [];

  constructor(options: CameraStreamsOptions) {
    this.#options = options;
    this.#clock = new RunClock(options.platform);
    const { platform, logger, config, local } = options;
    const streams = new Map<string, { camera: CameraConfig; path: string; keep: boolean }>();
    const want = (camera: CameraConfig, quality: 'main' | 'sub', keep: boolean) => {
      const path = (quality === 'sub' ? camera.rtspSubPath : undefined) ?? camera.rtspPath ?? '/';
      const key = `${camera.name} ${path}`;
      streams.set(key, { camera, path, keep: keep || streams.get(key)?.keep === true });
      return key;
    };
    if (config.buffer.enabled) for (const camera of config.cameras) want(camera, 'main', true);
    const publishing = config.publish.map((publish) => {
      const camera = config.cameras.find(({ name }) => name === publish.camera)!;
      return { publish, key: want(camera, publish.quality, false) };
    });
    const keeping = [...streams.values()].filter(({ keep }) => keep).length;
    const byKey = new Map<string, CameraPull>();
    for (const [key, { camera, path, keep }] of streams) {
      const { host, rtspPort, username, password, name } = camera;
      const pull = new CameraPull({
        platform,
        logger: logger.child({ camera: name }),
        address: { host, port: rtspPort, path, username, password },
        onBytes: (count) => options.onBytes(host, rtspPort, count),
      });
      const buffer = keep ? this.#makeBuffer(`${name}.main`, config.buffer.maxBytes / keeping) : undefined;
      if (buffer) pull.add(buffer);
      byKey.set(key, pull);
      this.#pulled.push({ camera, path, pull, buffer });
    }
    for (const { publish, key } of publishing) {
      const named = logger.child({ publish: publish.camera });
      const publisher = new Publisher({ platform, logger: named, publish, local });
      byKey.get(key)!.add(publisher);
      this.#publishers.push(publisher);
    }
  }

  /** Finds what buffers kept before. */
  async open(): Promise<void> {
    for (const { buffer } of this.#pulled) await buffer?.open();
  }

  /** Plays all until the signal aborts. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    await Promise.all([
      ...this.#pulled.map(({ pull }) => pull.run(signal)),
      ...this.#publishers.map((publisher) => publisher.run(signal)),
    ]);
  }

  /** Keeps what is under way. */
  async close(): Promise<void> {
    for (const { buffer } of this.#pulled) await buffer?.flush();
  }

  buffer(id: string): EdgeBuffer | undefined {
    return this.#pulled.find(({ buffer }) => buffer?.id === id)?.buffer;
  }

  /** Id of the buffer that keeps this stream. */
  bufferOf(host: string, port: number, path: string): string | undefined {
    return this.#pulled.find((one) => one.camera.host === host && one.camera.rtspPort === port && one.path === path)
      ?.buffer?.id;
  }

  /** What can be fetched now, and the present time on the line of these ranges. */
  offers(): { readonly nowMs: number; readonly buffers: readonly BufferOffer[] } {
    const clock = this.#clock;
    const buffers = this.#pulled.flatMap(({ camera, path, buffer }) =>
      buffer ? [{ buffer: buffer.id, host: camera.host, port: camera.rtspPort, path, ranges: buffer.ranges() }] : [],
    );
    return { nowMs: clock.nowMs() + clock.lineOffsetMs, buffers };
  }

  #makeBuffer(id: string, maxBytes: number): EdgeBuffer {
    const { platform, logger, config } = this.#options;
    const folder = `${config.agent.stateDir}/buffer/${id}`;
    const store = config.buffer.store === 'disk' ? diskBlocks(platform, folder) : memoryBlocks();
    return new EdgeBuffer({ id, clock: this.#clock, logger, store, maxBytes });
  }
}
