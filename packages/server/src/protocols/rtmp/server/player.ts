import type { Socket } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FlvMuxer } from '@watchpost/media/container/flv/muxer.ts';
import type { FlvH265 } from '@watchpost/media/container/flv/sequence-header.ts';
import { mediaStreamId } from '@watchpost/media/rtmp/codes.ts';
import type { Stream } from '../../../hub/stream.ts';
import type { Reader } from '../../../hub/types.ts';
import { beginMessages, type RtmpBatch } from '../rtmp-batch.ts';
import type { ServerParts } from './server-parts.ts';

/** A player this far behind skips to the newest key picture. */
const maxLagMs = 10_000;
const maxLagBytes = 8 * 1024 * 1024;
/** A camera that is pulled on demand has so long for its first picture. */
const firstWithinMs = 15_000;

/** What a player is told. */
export interface PlayerOptions {
  readonly stream: Stream;
  readonly h265: FlvH265;
  readonly parts: ServerParts;
  /** The stream is gone, has no picture, or the client takes nothing. */
  readonly onEnd: (reason: WatchpostError) => void;
}

/**
 * Sends one stream to one client: the same bytes to everybody. Pulls only while the socket takes bytes: what waits for
 * this player is in the shared log, within its limits, and never in a queue of its own.
 */
export class Player {
  readonly #socket: Socket;
  readonly #options: PlayerOptions;
  #reader: Reader<RtmpBatch> | undefined;
  #muxer: FlvMuxer | undefined;
  #samplesSeen = -1;
  #blocked = false;
  #paused = false;
  #stopped = false;
  #cancelFirst: (() => void) | undefined;

  constructor(socket: Socket, options: PlayerOptions) {
    this.#socket = socket;
    this.#options = options;
    options.parts.counts.players++;
    options.parts.counts.playersTotal++;
  }

  /** Sends what is there and what comes. */
  start(): void {
    if (this.#stopped || this.#paused || this.#reader !== undefined) return;
    const { stream, h265, parts, onEnd } = this.#options;
    if (this.#muxer === undefined) {
      this.#cancelFirst?.();
      this.#cancelFirst = parts.clock.after(firstWithinMs, () => onEnd(noPicture(stream)));
    }
    this.#samplesSeen = -1;
    this.#reader = parts.live.open(stream, h265, {
      protocol: 'rtmp',
      start: 'gop',
      maxLagMs,
      maxLagBytes,
      onReady: () => this.#pump(),
      onClose: onEnd,
    });
    this.#pump();
  }

  /** A paused player has no place in the stream: it goes on with the newest picture. */
  pause(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.#close();
    else this.start();
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
    this.#options.parts.counts.players--;
  }

  #close(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.close();
  }

  #pump(): void {
    const socket = this.#socket;
    while (!this.#blocked && this.#reader !== undefined) {
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

  #write(batch: RtmpBatch): void {
    const { counts } = this.#options.parts;
    if (batch.muxer !== this.#muxer) this.#begin(batch);
    if (this.#samplesSeen >= 0 && batch.samplesBefore > this.#samplesSeen) {
      counts.droppedSamples += batch.samplesBefore - this.#samplesSeen;
    }
    this.#samplesSeen = batch.samplesBefore + batch.samples;
    counts.bytesSent += batch.bytes.length;
    this.#socket.write(batch.bytes);
  }

  #begin(batch: RtmpBatch): void {
    this.#cancelFirst?.();
    this.#muxer = batch.muxer;
    const { chunkSize } = this.#options.parts;
    this.#socket.write(beginMessages(batch.muxer, batch.timestampMs, { chunkSize, streamId: mediaStreamId }));
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
