import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FlvMuxer } from '@watchpost/media/container/flv/muxer.ts';
import type { FlvH265 } from '@watchpost/media/container/flv/sequence-header.ts';
import type { LiveFlv } from '../../hub/live-flv/live-flv.ts';
import type { Stream } from '../../hub/stream.ts';
import type { Reader } from '../../hub/types.ts';
import type { FlvBatch } from './flv-batch.ts';
import type { Transport } from './transport.ts';

/** A viewer this far behind skips to the newest key picture. */
const maxLagMs = 10_000;
const maxLagBytes = 8 * 1024 * 1024;
/** A camera that is pulled on demand has so long for its first picture. */
const firstWithinMs = 15_000;

/** Counts over all viewers, for statistics. */
export interface ViewerCounts {
  viewers: number;
  opened: number;
  bytes: number;
  droppedSamples: number;
  stuck: number;
}

/** What a viewer needs. */
export interface ViewerOptions {
  readonly stream: Stream;
  readonly h265: FlvH265;
  readonly live: LiveFlv<FlvBatch>;
  readonly clock: Clock;
  readonly counts: ViewerCounts;
  readonly onEnd: () => void;
}

/**
 * One connection that shows one stream. Pulls only while its socket takes bytes: what waits for it is in the shared log,
 * within the reader's limits, and never in a queue of its own.
 */
export class Viewer {
  readonly #transport: Transport;
  readonly #options: ViewerOptions;
  readonly #reader: Reader<FlvBatch>;
  #muxer: FlvMuxer | undefined;
  #samplesSeen = -1;
  #blocked = false;
  #ended = false;
  #cancelFirst: () => void;

  constructor(transport: Transport, options: ViewerOptions) {
    const { stream, h265, live, clock, counts } = options;
    const { socket } = transport;
    this.#transport = transport;
    this.#options = options;
    counts.viewers++;
    counts.opened++;
    socket.on('close', () => this.#end());
    socket.on('error', () => socket.destroy());
    socket.on('drain', () => this.#onDrain());
    this.#cancelFirst = clock.after(firstWithinMs, () => this.close(noPicture(stream)));
    this.#reader = live.open(stream, h265, {
      protocol: 'flv',
      start: 'gop',
      maxLagMs,
      maxLagBytes,
      onReady: () => this.#pump(),
      onClose: (reason) => this.close(reason),
    });
    this.#pump();
  }

  /** Says why and closes; a socket that takes nothing is cut. */
  close(reason: WatchpostError): void {
    if (this.#ended) return;
    const { socket } = this.#transport;
    if (reason.code === 'READER_STUCK') {
      this.#options.counts.stuck++;
      socket.destroy();
    } else this.#transport.end(reason, this.#muxer !== undefined);
    this.#end();
  }

  #onDrain(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#pump();
  }

  #pump(): void {
    const { socket } = this.#transport;
    while (!this.#blocked && !this.#ended) {
      const batches = this.#reader.pull();
      if (batches.length === 0) return;
      if (batches.length === 1 && batches[0]!.muxer === this.#muxer) this.#write(batches[0]!);
      else {
        socket.cork();
        for (let i = 0; i < batches.length; i++) this.#write(batches[i]!);
        socket.uncork();
      }
      this.#blocked = socket.writableNeedDrain;
    }
  }

  #write(batch: FlvBatch): void {
    const { counts } = this.#options;
    const { socket } = this.#transport;
    if (batch.muxer !== this.#muxer) this.#begin(batch);
    if (batch.samplesBefore > this.#samplesSeen) counts.droppedSamples += batch.samplesBefore - this.#samplesSeen;
    this.#samplesSeen = batch.samplesBefore + batch.samples;
    const bytes = this.#transport.pick(batch);
    counts.bytes += bytes.length;
    socket.write(bytes);
  }

  #begin(batch: FlvBatch): void {
    const { socket, head } = this.#transport;
    const isFirst = this.#muxer === undefined;
    if (isFirst) {
      this.#samplesSeen = batch.samplesBefore;
      this.#cancelFirst();
      if (head !== '') socket.write(head, 'latin1');
    }
    this.#muxer = batch.muxer;
    socket.write(this.#transport.wrap(batch.muxer.begin(batch.timestampMs, { fileHeader: isFirst })));
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelFirst();
    this.#reader.close();
    this.#options.counts.viewers--;
    this.#options.onEnd();
  }
}

function noPicture(stream: Stream): WatchpostError {
  const why = stream.reason === undefined ? '' : ` — ${stream.reason.message}`;
  return new WatchpostError(`The stream "${stream.id}" sends no picture now (${stream.state})${why}`, {
    kind: 'unavailable',
    code: 'STREAM_NO_PICTURE',
    context: { state: stream.state },
  });
}
