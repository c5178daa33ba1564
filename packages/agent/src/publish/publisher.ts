import { sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { announcedSdp, RtspPublishClient, type RtspPublishOptions } from '@watchpost/media/rtsp/publish-client.ts';
import type { PublishConfig } from '../config/agent-config.ts';
import type { Connection, DialOptions, Platform } from '../platform/platform.ts';
import type { PulledStream, PullReader } from '../pull/camera-pull.ts';

const dialTimeoutMs = 10_000;
const tickMs = 1000;
const minDelayMs = 1000;
const maxDelayMs = 30_000;
/** More than this waits for the uplink: packets are dropped until it has caught up. */
const maxWaitingBytes = 4_000_000;
const defaultPorts: Readonly<Record<string, number>> = { rtsp: 554, rtsps: 322 };

/** What a publisher needs. */
export interface PublisherOptions {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly publish: PublishConfig;
}

/** Sends a camera's stream to a server by RTSP, packets as they came, and again whenever the server ends it. */
export class Publisher implements PullReader {
  readonly #options: PublisherOptions;
  #stream: PulledStream | undefined;
  #connection: Connection | undefined;
  #isRecording = false;
  /** Medium of the announcement for each track, -1 for none. */
  #mediumOf: readonly number[] = [];
  #changed = Promise.withResolvers<void>();
  #dropped = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  onStart(stream: PulledStream): void {
    this.#stream = stream;
    this.#signalChange();
  }

  onStop(): void {
    this.#stream = undefined;
    this.#signalChange();
  }

  onPacket(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void {
    const medium = this.#mediumOf[trackIndex] ?? -1;
    const connection = this.#connection;
    if (!this.#isRecording || medium < 0 || !connection) return;
    if (connection.waitingBytes > maxWaitingBytes) {
      this.#dropped += 1;
      return;
    }
    const frame = new Uint8Array(4 + end - start);
    frame[0] = 0x24;
    frame[1] = medium * 2 + (isRtcp ? 1 : 0);
    frame[2] = (end - start) >> 8;
    frame[3] = end - start;
    frame.set(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end), 4);
    connection.write(frame);
  }

  /** Never rejects; ends with the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { platform, logger } = this.#options;
    signal.addEventListener('abort', () => this.#signalChange(), { once: true });
    for (let failures = 0; !signal.aborted; ) {
      if (!this.#stream) {
        await this.#changed.promise;
        continue;
      }
      const beganMs = platform.clock.monotonicMs();
      try {
        await this.#publish(this.#stream, signal);
      } catch (thrown) {
        if (!signal.aborted && failures < 3)
          logger.warn('Publishing does not work', { error: toWatchpostError(thrown) });
      }
      if (this.#dropped > 0) logger.warn('The uplink was too slow for what was published', { packets: this.#dropped });
      this.#dropped = 0;
      failures = platform.clock.monotonicMs() - beganMs > maxDelayMs ? 0 : failures + 1;
      if (!this.#stream) continue;
      const delayMs = Math.min(minDelayMs * 2 ** Math.min(failures - 1, 5), maxDelayMs);
      await sleep(platform.clock, delayMs * (0.5 + Math.random() / 2), signal).catch(() => {});
    }
  }

  #signalChange(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Resolves where the camera stopped, rejects where the server did. */
  #publish(stream: PulledStream, signal: AbortSignal): Promise<void> {
    const { platform, publish, logger } = this.#options;
    const mediumOf = stream.tracks.map((_, index) => stream.indices.indexOf(index));
    return new Promise((resolve, reject) => {
      let connection: Connection | undefined;
      let cancelTick = () => {};
      const settle = (error?: WatchpostError) => {
        cancelTick();
        signal.removeEventListener('abort', stop);
        this.#isRecording = false;
        this.#connection = undefined;
        connection?.end();
        connection?.destroy();
        if (error) reject(error);
        else resolve();
      };
      const client = new RtspPublishClient(optionsOf(stream, publish), {
        send: (bytes) => void connection?.write(bytes),
        onRecording: () => {
          this.#mediumOf = mediumOf;
          this.#connection = connection;
          this.#isRecording = true;
          logger.info('Publishing', { url: publish.url });
        },
        onEnd: settle,
      });
      const stop = () => client.teardown();
      const tick = () => {
        if (this.#stream !== stream) client.teardown();
        client.tick(platform.clock.monotonicMs());
        if (client.state !== 'ended') cancelTick = platform.clock.after(tickMs, tick);
      };
      signal.addEventListener('abort', stop, { once: true });
      const target = { ...targetOf(publish), timeoutMs: dialTimeoutMs, signal };
      const handler = {
        onData: (bytes: Uint8Array) => client.receive(bytes, 0, bytes.length),
        onClose: (cause?: Error) => client.closed(cause),
      };
      platform.dial(target, handler).then((opened) => {
        connection = opened;
        client.start();
        tick();
      }, settle);
    });
  }
}

function optionsOf(stream: PulledStream, { url, camera, username, password }: PublishConfig): RtspPublishOptions {
  const media = stream.indices.map((index) => stream.mediaIndices[index]!);
  return {
    url,
    userAgent: 'watchpost-agent',
    sdp: announcedSdp(stream.sdp, media, camera),
    ...(username !== undefined && { credentials: { username, password: password ?? '' } }),
  };
}

function targetOf({ url }: PublishConfig): Pick<DialOptions, 'host' | 'port' | 'tls'> {
  const { scheme, host, port } = parseSourceUrl(url);
  return { host, port: port ?? defaultPorts[scheme] ?? 554, ...(scheme === 'rtsps' && { tls: {} }) };
}
