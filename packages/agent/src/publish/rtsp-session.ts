import type { WatchpostError } from '@watchpost/base/errors.ts';
import { announcedSdp, RtspPublishClient, type RtspPublishOptions } from '@watchpost/media/rtsp/publish-client.ts';
import type { PublishConfig } from '../config/agent-config.ts';
import type { Connection, DialOptions } from '../platform/platform.ts';
import type { PulledStream } from '../pull/camera-pull.ts';
import { publishTarget } from './publish-reach.ts';
import { dialTimeoutMs, maxWaitingBytes, type PublishSession, type PublishTask, tickMs } from './publish-session.ts';

/** Publishes by RTSP over one connection: packets as they came. */
export class RtspSession implements PublishSession {
  dropped = 0;
  readonly #task: PublishTask;
  readonly #client: RtspPublishClient;
  /** Medium of the announcement for each track, -1 for none. */
  readonly #mediumOf: readonly number[];
  #connection: Connection | undefined;
  #isRecording = false;
  #isStopped = false;
  #cancelTick = () => {};
  #settle: (error?: WatchpostError) => void = () => {};

  constructor(task: PublishTask) {
    const { stream, publish, logger } = task;
    this.#task = task;
    this.#mediumOf = stream.tracks.map((_, index) => stream.indices.indexOf(index));
    this.#client = new RtspPublishClient(optionsOf(stream, publish), {
      send: (bytes) => void this.#connection?.write(bytes),
      onRecording: () => {
        this.#isRecording = true;
        logger.info('Publishing', { url: publish.url });
      },
      onEnd: (error) => this.#settle(error),
    });
  }

  onPacket(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void {
    const medium = this.#mediumOf[trackIndex] ?? -1;
    const connection = this.#connection;
    if (!this.#isRecording || medium < 0 || !connection) return;
    if (connection.waitingBytes > maxWaitingBytes) {
      this.dropped += 1;
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

  async run(signal: AbortSignal): Promise<void> {
    const { platform } = this.#task;
    const client = this.#client;
    try {
      this.#connection = await platform.dial(
        { ...targetOf(this.#task), timeoutMs: dialTimeoutMs, signal },
        {
          onData: (bytes) => client.receive(bytes, 0, bytes.length),
          onClose: (cause) => client.closed(cause),
        },
      );
      if (this.#isStopped) return;
      await new Promise<void>((resolve, reject) => {
        this.#settle = (error) => (error ? reject(error) : resolve());
        client.start();
        this.#tick();
      });
    } finally {
      this.#cancelTick();
      this.#isRecording = false;
      this.#connection?.end();
      this.#connection?.destroy();
    }
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#connection) this.#client.teardown();
  }

  #tick(): void {
    const { clock } = this.#task.platform;
    this.#client.tick(clock.monotonicMs());
    if (this.#client.state !== 'ended') this.#cancelTick = clock.after(tickMs, () => this.#tick());
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

function targetOf({ publish, trust }: PublishTask): Pick<DialOptions, 'host' | 'port' | 'tls'> {
  const { scheme, host, port } = publishTarget(publish.url);
  return { host, port, ...(scheme === 'rtsps' && { tls: trust }) };
}
