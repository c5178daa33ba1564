import type { Socket } from 'node:net';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FlvMuxer } from '@watchpost/media/container/flv/muxer.ts';
import type { RtmpBatch } from '@watchpost/media/rtmp/media-batch.ts';
import type { Follower, Voice } from '../../hub/company.ts';
import type { BatchVoices } from '../../hub/live-flv/batch-voices.ts';
import type { Stream } from '../../hub/stream.ts';
import type { Reader, ReaderOptions } from '../../hub/types.ts';

/** Whoever is this far behind skips to the newest key picture. */
const maxLagMs = 10_000;
const maxLagBytes = 8 * 1024 * 1024;
/** A camera that is pulled on demand has so long for its first picture. */
const firstWithinMs = 15_000;

/** What a sender is made of. */
export interface BatchSenderOptions {
  readonly stream: Stream;
  readonly clock: Clock;
  /** Takes a place among the batches of the stream. */
  readonly open: (options: ReaderOptions) => Reader<RtmpBatch>;
  /** What the other side needs before the first batch of a muxer. */
  readonly begin: (batch: RtmpBatch) => Uint8Array;
  /** Of all whose batches these are; they hear of what is sent. */
  readonly voices: BatchVoices<RtmpBatch>;
  readonly onDropped: (samples: number) => void;
  /** The stream is gone, has no picture, or the other side takes nothing. */
  readonly onEnd: (reason: WatchpostError) => void;
}

/**
 * Sends one stream over one socket: the same bytes to everybody. Pulls only while the socket takes bytes: what waits for
 * it is in the shared log, within its limits, and never in a queue of its own.
 */
export class BatchSender implements Follower<RtmpBatch> {
  readonly socket: Socket;
  readonly #options: BatchSenderOptions;
  #reader: Reader<RtmpBatch> | undefined;
  #muxer: FlvMuxer | undefined;
  #voice: Voice<RtmpBatch> | undefined;
  #samplesSeen = -1;
  #blocked = false;
  #paused = false;
  #stopped = false;
  #cancelFirst: (() => void) | undefined;

  constructor(socket: Socket, options: BatchSenderOptions) {
    this.socket = socket;
    this.#options = options;
  }

  /** Sends what is there and what comes. */
  start(): void {
    if (this.#stopped || this.#paused || this.#reader !== undefined) return;
    const { stream, clock, open, onEnd } = this.#options;
    if (this.#muxer === undefined) {
      this.#cancelFirst?.();
      this.#cancelFirst = clock.after(firstWithinMs, () => onEnd(noPicture(stream)));
    }
    this.#samplesSeen = -1;
    this.#reader = open({
      protocol: 'rtmp',
      start: 'gop',
      maxLagMs,
      maxLagBytes,
      onReady: () => this.#pump(),
      onClose: onEnd,
    });
    this.#pump();
  }

  /** Who paused has no place in the stream: it goes on with the newest picture. */
  pause(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.#close();
    else this.start();
  }

  get voice(): Voice<RtmpBatch> {
    return this.#voice!;
  }

  leftStep(last: RtmpBatch | undefined, isBlocked: boolean): void {
    if (last !== undefined) this.#samplesSeen = last.samplesBefore + last.samples;
    this.#blocked = isBlocked;
  }

  /** The socket takes bytes again. */
  drained(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#pump();
  }

  /** Gives the place up. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelFirst?.();
    this.#close();
  }

  #close(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.close();
  }

  #pump(): void {
    if (this.#blocked || this.#reader === undefined) return;
    const batches = this.#reader.pull();
    if (batches.length > 0) {
      const { socket } = this;
      socket.cork();
      for (let i = 0; i < batches.length; i++) this.#write(batches[i]!);
      socket.uncork();
      this.#blocked = socket.writableNeedDrain;
    }
    if (!this.#blocked && this.#voice !== undefined) this.#reader.follow(this);
  }

  #write(batch: RtmpBatch): void {
    const { begin, voices, onDropped } = this.#options;
    if (batch.muxer !== this.#muxer) {
      this.#cancelFirst?.();
      this.#muxer = batch.muxer;
      this.#voice = voices.of(batch.muxer);
      this.socket.write(begin(batch));
    }
    const missed = this.#samplesSeen < 0 ? 0 : batch.samplesBefore - this.#samplesSeen;
    if (missed > 0) onDropped(missed);
    this.#samplesSeen = batch.samplesBefore + batch.samples;
    this.socket.write(batch.bytes);
    this.#voice?.sent(batch.bytes.length);
  }
}

function noPicture(stream: Stream): WatchpostError {
  const why = stream.reason === undefined ? '' : `: ${stream.reason.message}`;
  return new WatchpostError(`The stream "${stream.id}" sends no picture now (${stream.state})${why}`, {
    kind: 'unavailable',
    code: 'STREAM_NO_PICTURE',
    context: { state: stream.state },
  });
}
