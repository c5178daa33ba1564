import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { redactTarget } from '@watchpost/base/source-url.ts';
import { BatchBuilder } from '@watchpost/media/container/flv/batch-builder.ts';
import type { FlvMuxer } from '@watchpost/media/container/flv/muxer.ts';
import { RtmpClient } from '@watchpost/media/rtmp/client.ts';
import type { RtmpClientHandler } from '@watchpost/media/rtmp/client-types.ts';
import { beginMessages, chunkSerializer, maxAudioWaitMs, type RtmpBatch } from '@watchpost/media/rtmp/media-batch.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { Connection } from '../platform/platform.ts';
import { publishRefusal, publishTarget } from './publish-reach.ts';
import { dialTimeoutMs, maxWaitingBytes, type PublishSession, type PublishTask, tickMs } from './publish-session.ts';
import { RtpSamples } from './rtp-samples.ts';

const chunkSize = 4096;
/** How long a server may take to let us publish. */
const answerWithinMs = 10_000;
/** A server that takes nothing for so long is gone. */
const stalledMs = 15_000;
/** How long a server may take to read our goodbye. */
const goodbyeMs = 500;

/** Publishes by RTMP: frames of H.264, H.265 (under its FourCC), AAC, G.711 and Opus. */
export class RtmpSession implements PublishSession, RtmpClientHandler {
  dropped = 0;
  readonly #task: PublishTask;
  readonly #client: RtmpClient;
  readonly #ended = Promise.withResolvers<void>();
  #signal: AbortSignal | undefined;
  #connection: Connection | undefined;
  #samples: RtpSamples | undefined;
  #batches: BatchBuilder<RtmpBatch> | undefined;
  #streamId = 1;
  /** Whose sequence headers the server has. */
  #muxer: FlvMuxer | undefined;
  #isCatchingUp = false;
  #sentBytes = 0;
  /** Bytes that the system had taken when it last took some, and when that was. */
  #takenBytes = 0;
  #takenMs = 0;
  #cancelTick = () => {};
  #isOver = false;

  /** Throws `invalid_argument` (`RTMP_ADDRESS`) for an address that cannot be. */
  constructor(task: PublishTask) {
    const { url, username, password } = task.publish;
    this.#task = task;
    this.#client = new RtmpClient(
      {
        ...{ url, mode: 'publish', chunkSize, version: 'watchpost-agent' },
        ...(username !== undefined && { credentials: { username, password: password ?? '' } }),
      },
      this,
    );
    this.#ended.promise.catch(() => {});
  }

  async run(signal: AbortSignal): Promise<void> {
    const { platform, stream, logger } = this.#task;
    this.#signal = signal;
    const samples = new RtpSamples(stream, { clock: platform.clock, emit: (sample) => this.#onSample(sample) });
    if (samples.tracks.length === 0) throw nothingToCarry(samples.leftOut);
    for (const reason of samples.leftOut) logger.warn('A track is not published', { reason });
    this.#samples = samples;
    try {
      this.#dial(this.#task.publish.url);
      await this.#ended.promise;
    } finally {
      this.#isOver = true;
      this.#cancelTick();
      this.#dropConnection();
    }
  }

  onPacket(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void {
    if (this.#batches) this.#samples?.onPacket(trackIndex, isRtcp, chunk, start, end);
  }

  stop(): void {
    this.#client.stop();
    this.#end();
  }

  send(bytes: Uint8Array): void {
    this.#sentBytes += bytes.length;
    this.#connection?.write(bytes);
  }

  onActive(streamId: number): void {
    const { logger, publish } = this.#task;
    this.#streamId = streamId;
    this.#batches = new BatchBuilder({
      ...{ h265: 'fourcc', maxAudioWaitMs },
      currentTracks: () => this.#samples!.tracks,
      serialize: chunkSerializer({ chunkSize, streamId }),
      emit: (batch) => this.#onBatch(batch),
    });
    this.#cancelTick();
    this.#takenMs = this.#task.platform.clock.monotonicMs();
    this.#tick();
    logger.info('Publishing', { url: redactTarget(publish.url) });
  }

  onMedia(): void {}

  /** Again to the same server for a login, or wherever it redirects to. */
  connect(url: string): void {
    this.#dropConnection();
    const refusal = publishRefusal(url, this.#task.local);
    if (refusal) this.#end(failure('forbidden', refusal.code, `the server redirects the stream: ${refusal.message}`));
    else this.#dial(url);
  }

  onEnd(error: WatchpostError): void {
    this.#end(error);
  }

  #dial(url: string): void {
    const { platform, trust } = this.#task;
    const { scheme, host, port } = publishTarget(url);
    let opened: Connection | undefined;
    const isCurrent = () => opened !== undefined && this.#connection === opened;
    const target = {
      host,
      port,
      timeoutMs: dialTimeoutMs,
      signal: this.#signal!,
      ...(scheme === 'rtmps' && { tls: trust }),
    };
    const handler = {
      onData: (bytes: Uint8Array) => {
        if (isCurrent()) this.#receive(bytes);
      },
      onClose: (cause?: Error) => {
        if (isCurrent()) this.#end(closed(host, this.#client.state === 'active', cause));
      },
    };
    platform.dial(target, handler).then(
      (connection) => {
        if (this.#isOver) return connection.destroy();
        this.#connection = opened = connection;
        this.#cancelTick();
        this.#cancelTick = platform.clock.after(answerWithinMs, () => this.#end(noAnswer(host, this.#client.state)));
        this.#client.start();
      },
      (error) => this.#end(error),
    );
  }

  #receive(bytes: Uint8Array): void {
    try {
      this.#client.receive(bytes, 0, bytes.length);
    } catch (thrown) {
      this.#end(toWatchpostError(thrown));
    }
  }

  #onSample(sample: Sample): void {
    const batches = this.#batches!;
    try {
      batches.push(sample);
      if (batches.isDue) batches.cut();
    } catch (thrown) {
      this.#end(toWatchpostError(thrown, 'FLV_FAILED'));
    }
  }

  #onBatch(batch: RtmpBatch): void {
    const connection = this.#connection;
    if (!connection) return;
    const waiting = connection.waitingBytes;
    this.#isCatchingUp = this.#isCatchingUp ? !(batch.key && waiting < maxWaitingBytes / 2) : waiting > maxWaitingBytes;
    if (this.#isCatchingUp) {
      this.dropped += batch.samples;
      return;
    }
    const { muxer, bytes } = batch;
    if (muxer !== this.#muxer) {
      this.#muxer = muxer;
      this.send(beginMessages(muxer, batch, { chunkSize, streamId: this.#streamId, toServer: true }));
    }
    this.send(bytes);
  }

  #tick(): void {
    const { clock } = this.#task.platform;
    const waiting = this.#connection?.waitingBytes ?? 0;
    const taken = this.#sentBytes - waiting;
    const nowMs = clock.monotonicMs();
    if (waiting === 0 || taken > this.#takenBytes) {
      this.#takenBytes = taken;
      this.#takenMs = nowMs;
    } else if (nowMs - this.#takenMs > stalledMs) {
      this.#end(stalled());
      return;
    }
    this.#cancelTick = clock.after(tickMs, () => this.#tick());
  }

  #end(error?: Error): void {
    this.#batches = undefined;
    if (error) this.#ended.reject(error);
    else this.#ended.resolve();
  }

  #dropConnection(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (!connection) return;
    connection.end();
    this.#task.platform.clock.after(goodbyeMs, () => connection.destroy());
  }
}

function nothingToCarry(reasons: readonly string[]): WatchpostError {
  const why = reasons.join('; ') || 'it sends nothing that is known here: set it to H.264';
  return failure('unsupported', 'RTMP_NOTHING_TO_CARRY', `RTMP carries nothing of this camera — ${why}`);
}

function closed(host: string, isPublished: boolean, cause: Error | undefined): WatchpostError {
  const how = cause ? ` (${cause.message})` : '';
  const cure = ' before it took the stream — check application and stream name: many servers refuse so';
  return failure('unavailable', 'RTMP_CLOSED', `${host} closed the RTMP connection${how}${isPublished ? '' : cure}`);
}

function stalled(): WatchpostError {
  const text = `the server has taken nothing for ${stalledMs / 1000} s — check the uplink, or publish a smaller stream`;
  return failure('timeout', 'RTMP_STALLED', text);
}

function noAnswer(host: string, state: string): WatchpostError {
  return failure(
    'timeout',
    'RTMP_NO_ANSWER',
    `${host} did not answer as an RTMP server within ${answerWithinMs / 1000} s (${state}) — check port and stream name`,
  );
}

function failure(kind: WatchpostError['kind'], code: string, message: string): WatchpostError {
  return new WatchpostError(message, { kind, code });
}
