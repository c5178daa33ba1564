import { sleep } from '@watchpost/base/clock.ts';
import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { RtspClient } from '@watchpost/media/rtsp/client.ts';
import type { SdpSession } from '@watchpost/media/sdp/sdp.ts';
import type { SdpTrack } from '@watchpost/media/sdp/tracks.ts';
import { type RtspAddress, rtspUrl } from '../discovery/describe-camera.ts';
import type { Connection, Platform } from '../platform/platform.ts';

const tickMs = 1000;
/** A camera that sends nothing for so long is hung. */
const silenceMs = 10_000;
const dialTimeoutMs = 10_000;
const minDelayMs = 1000;
const maxDelayMs = 30_000;

/** A camera's stream as it plays. */
export interface PulledStream {
  readonly sdp: SdpSession;
  readonly tracks: readonly SdpTrack[];
  /** Line of the description for each track. */
  readonly mediaIndices: readonly number[];
  /** Tracks that will send: indices of `tracks`. */
  readonly indices: readonly number[];
}

/** Whoever takes what the camera sends. */
export interface PullReader {
  onStart(stream: PulledStream): void;
  /** An RTP or RTCP packet, `chunk[start…end)`, which may be kept. */
  onPacket(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void;
  onStop(): void;
}

/** What a pull needs. */
export interface PullOptions {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly address: RtspAddress;
  readonly onBytes: (count: number) => void;
}

/** Plays one stream of a camera for several readers, and again whenever it ends, until the signal aborts. */
export class CameraPull {
  readonly #options: PullOptions;
  readonly #readers = new Set<PullReader>();
  #stream: PulledStream | undefined;

  constructor(options: PullOptions) {
    this.#options = options;
  }

  /** Adds a reader; where the camera plays already, it starts at once. */
  add(reader: PullReader): void {
    this.#readers.add(reader);
    if (this.#stream) reader.onStart(this.#stream);
  }

  remove(reader: PullReader): void {
    this.#readers.delete(reader);
  }

  /** Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.platform;
    for (let failures = 0; !signal.aborted; ) {
      const beganMs = clock.monotonicMs();
      try {
        await this.#play(signal);
      } catch (thrown) {
        if (!signal.aborted && failures < 3)
          this.#options.logger.warn('The camera does not play', { error: toWatchpostError(thrown) });
      }
      failures = clock.monotonicMs() - beganMs > maxDelayMs ? 0 : failures + 1;
      const delayMs = Math.min(minDelayMs * 2 ** Math.min(failures, 5), maxDelayMs);
      await sleep(clock, delayMs * (0.5 + Math.random() / 2), signal).catch(() => {});
    }
  }

  #play(signal: AbortSignal): Promise<void> {
    const { platform, address } = this.#options;
    return new Promise((resolve, reject) => {
      let connection: Connection | undefined;
      let described: { sdp: SdpSession; tracks: readonly SdpTrack[] } | undefined;
      let lastMs = platform.clock.monotonicMs();
      let cancelTick = () => {};
      const settle = (error?: WatchpostError) => {
        cancelTick();
        signal.removeEventListener('abort', onAbort);
        connection?.destroy();
        this.#stop();
        if (error) reject(error);
        else resolve();
      };
      const client = new RtspClient(
        {
          url: rtspUrl(address),
          userAgent: 'watchpost-agent',
          ...(address.username !== undefined && {
            credentials: { username: address.username, password: address.password ?? '' },
          }),
        },
        {
          send: (bytes) => void connection?.write(bytes),
          onTracks: (tracks, sdp) => {
            described = { tracks, sdp };
          },
          onPlaying: ({ trackIndices }) => this.#start(toStream(described!, trackIndices)),
          onInterleaved: (track, isRtcp, chunk, start, end) => {
            lastMs = platform.clock.monotonicMs();
            for (const reader of this.#readers) reader.onPacket(track, isRtcp, chunk, start, end);
          },
          connect: () => settle(),
          onEnd: settle,
        },
      );
      const onAbort = () => client.teardown();
      const tick = () => {
        const nowMs = platform.clock.monotonicMs();
        if (nowMs - lastMs > silenceMs && client.state === 'playing') client.closed(new Error('the camera is silent'));
        client.tick(nowMs);
        if (client.state !== 'ended') cancelTick = platform.clock.after(tickMs, tick);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const target = { host: address.host, port: address.port, timeoutMs: dialTimeoutMs, signal };
      const handler = {
        onData: (bytes: Uint8Array) => {
          this.#options.onBytes(bytes.length);
          client.receive(bytes, 0, bytes.length);
        },
        onClose: (cause?: Error) => client.closed(cause),
      };
      platform.dial(target, handler).then((opened) => {
        connection = opened;
        client.start();
        tick();
      }, settle);
    });
  }

  #start(stream: PulledStream): void {
    this.#stream = stream;
    for (const reader of this.#readers) reader.onStart(stream);
  }

  #stop(): void {
    if (!this.#stream) return;
    this.#stream = undefined;
    for (const reader of this.#readers) reader.onStop();
  }
}

function toStream(
  { sdp, tracks }: { sdp: SdpSession; tracks: readonly SdpTrack[] },
  indices: readonly number[],
): PulledStream {
  const mediaIndices = tracks.map(({ control, payloadType }) =>
    sdp.media.findIndex((medium) => (medium.control ?? '') === control && medium.payloadTypes.includes(payloadType)),
  );
  return { sdp, tracks, mediaIndices, indices };
}
