import type { Socket } from 'node:net';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FlvMuxer } from '@watchpost/media/container/flv/muxer.ts';
import type { RtmpBatch } from '@watchpost/media/rtmp/media-batch.ts';
import type { Voice } from '../../hub/company.ts';
import { ItemSender, type ItemWriter } from '../../hub/item-sender.ts';
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

/** Sends one stream over one socket: the same bytes to everybody. */
export class BatchSender implements ItemWriter<RtmpBatch> {
  voice: Voice<RtmpBatch> | undefined;
  readonly #socket: Socket;
  readonly #sender: ItemSender<RtmpBatch>;
  readonly #options: BatchSenderOptions;
  #muxer: FlvMuxer | undefined;
  #samplesSeen = -1;
  #started = false;
  #paused = false;
  #stopped = false;
  #cancelFirst: (() => void) | undefined;

  constructor(socket: Socket, options: BatchSenderOptions) {
    this.#socket = socket;
    this.#sender = new ItemSender(socket, this);
    this.#options = options;
  }

  /** Sends what is there and what comes. */
  start(): void {
    if (this.#stopped || this.#paused || this.#started) return;
    this.#started = true;
    const { stream, clock, open, onEnd } = this.#options;
    if (this.#muxer === undefined) {
      this.#cancelFirst?.();
      this.#cancelFirst = clock.after(firstWithinMs, () => onEnd(noPicture(stream)));
    }
    this.#samplesSeen = -1;
    const reader = open({
      protocol: 'rtmp',
      start: 'gop',
      maxLagMs,
      maxLagBytes,
      onReady: () => this.#sender.pump(),
      onClose: onEnd,
    });
    this.#sender.start(reader);
  }

  /** Who paused has no place in the stream: it goes on with the newest picture. */
  pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused) this.start();
    else {
      this.#started = false;
      this.#sender.stop();
    }
  }

  /** Gives the place up. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelFirst?.();
    this.#sender.stop();
  }

  write(batch: RtmpBatch): void {
    const { begin, voices, onDropped } = this.#options;
    if (batch.muxer !== this.#muxer) {
      this.#cancelFirst?.();
      this.#muxer = batch.muxer;
      this.voice = voices.of(batch.muxer);
      this.#socket.write(begin(batch));
    }
    const missed = this.#samplesSeen < 0 ? 0 : batch.samplesBefore - this.#samplesSeen;
    if (missed > 0) onDropped(missed);
    this.#samplesSeen = batch.samplesBefore + batch.samples;
    this.#socket.write(batch.bytes);
    this.voice?.sent(batch.bytes.length);
  }

  skippedTo(last: RtmpBatch): void {
    this.#samplesSeen = last.samplesBefore + last.samples;
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
