import { sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { redactTarget } from '@watchpost/base/source-url.ts';
import type { AgentConfig, PublishConfig } from '../config/agent-config.ts';
import { readTrust } from '../link/tls-trust.ts';
import type { Platform } from '../platform/platform.ts';
import type { PulledStream, PullReader } from '../pull/camera-pull.ts';
import { loadRtmp } from './load-rtmp.ts';
import type { PublishSession, PublishTask } from './publish-session.ts';
import { RtspSession } from './rtsp-session.ts';

const minDelayMs = 1000;
const maxDelayMs = 30_000;

/** What a publisher needs. */
export interface PublisherOptions {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly publish: PublishConfig;
  /** By the file alone, without any changes. */
  readonly local: AgentConfig;
}

/** Sends a camera's stream to a server, by RTSP or RTMP as its address says, and again whenever the server ends it. */
export class Publisher implements PullReader {
  readonly #options: PublisherOptions;
  #stream: PulledStream | undefined;
  #session: PublishSession | undefined;
  #changed = Promise.withResolvers<void>();

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
    this.#session?.onPacket(trackIndex, isRtcp, chunk, start, end);
  }

  /** Never rejects; ends with the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { platform, logger, publish } = this.#options;
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
        if (!signal.aborted && (failures < 3 || failures % 50 === 0))
          logger.warn('Publishing does not work', { url: redactTarget(publish.url), error: toWatchpostError(thrown) });
      }
      failures = platform.clock.monotonicMs() - beganMs > maxDelayMs ? 0 : failures + 1;
      if (!this.#stream) continue;
      const delayMs = Math.min(minDelayMs * 2 ** Math.min(failures - 1, 5), maxDelayMs);
      await sleep(platform.clock, delayMs * (0.5 + Math.random() / 2), signal).catch(() => {});
    }
  }

  /** Whatever goes on, the session ends with it. */
  #signalChange(): void {
    this.#session?.stop();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Resolves where the camera stopped, rejects where the server did. */
  async #publish(stream: PulledStream, signal: AbortSignal): Promise<void> {
    const { publish, local } = this.#options;
    const trust = await readTrust({ ...this.#options, agent: local.agent }, publish.url);
    const session = await openSession({ ...this.#options, stream, trust });
    if (this.#stream !== stream || signal.aborted) return;
    this.#session = session;
    try {
      await session.run(signal);
    } finally {
      this.#session = undefined;
      const { dropped } = session;
      if (dropped > 0) this.#options.logger.warn('The uplink was too slow for what was published', { dropped });
    }
  }
}

/** A session of the protocol that the address names. Rejects with `invalid_argument` for an address that cannot be. */
async function openSession(task: PublishTask): Promise<PublishSession> {
  if (!task.publish.url.startsWith('rtmp')) return new RtspSession(task);
  const { RtmpSession } = await loadRtmp();
  return new RtmpSession(task);
}
