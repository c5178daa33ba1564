import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import type { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { Reader } from '../../hub/types.ts';
import type { Container } from './container.ts';
import type { MediaChunk } from './live-media.ts';
import { TsChunkBuilder } from './ts-chunk-builder.ts';

/** Where chunks come from and go to. */
export interface ChunkSourceOptions {
  readonly stream: Stream;
  readonly container: Container;
  /** Shared with the other outputs of fMP4. */
  readonly live: LiveFmp4;
  /** See `TsChunkOptions`. */
  readonly chunkMs: number;
  readonly onChunk: (chunk: MediaChunk) => void;
  /** A chunk that begins with a key picture follows, later. */
  readonly onKeyAhead: (startMs: number) => void;
  /** Called once: the stream was removed, or cannot be put into this container. */
  readonly onEnd: (reason: WatchpostError) => void;
}

/** The chunks of a stream, from the GOP cache on, until it is closed. */
export class ChunkSource {
  readonly #options: ChunkSourceOptions;
  readonly #pumpOnce: () => boolean;
  readonly #reader: Reader<unknown>;

  constructor(options: ChunkSourceOptions) {
    this.#options = options;
    const [reader, pumpOnce] = options.container === 'ts' ? this.#openTs() : this.#openFmp4();
    this.#reader = reader;
    this.#pumpOnce = pumpOnce;
  }

  /** Hands on what is cached; what comes later follows by itself. */
  start(): void {
    this.#pump();
  }

  close(): void {
    this.#reader.close();
  }

  #openFmp4(): [Reader<unknown>, () => boolean] {
    const { stream, live, onChunk } = this.#options;
    const reader = live.open(stream, this.#readerOptions());
    const pumpOnce = () => {
      const chunks = reader.pull();
      for (let i = 0; i < chunks.length; i++) onChunk(chunks[i]!);
      return chunks.length > 0;
    };
    return [reader, pumpOnce];
  }

  #openTs(): [Reader<unknown>, () => boolean] {
    const { stream, chunkMs, onChunk: emit, onKeyAhead } = this.#options;
    const builder = new TsChunkBuilder({ chunkMs, currentTracks: () => stream.tracks, emit, onKeyAhead });
    const reader = stream.openReader(this.#readerOptions());
    const pumpOnce = () => {
      const samples = reader.pull();
      for (let i = 0; i < samples.length; i++) builder.push(samples[i]!);
      return samples.length > 0;
    };
    return [reader, pumpOnce];
  }

  #readerOptions() {
    return {
      protocol: 'hls',
      start: 'gop',
      maxStuckMs: Number.POSITIVE_INFINITY,
      onReady: () => this.#pump(),
      onClose: (reason: WatchpostError) => this.#options.onEnd(reason),
    } as const;
  }

  #pump(): void {
    try {
      while (this.#pumpOnce());
    } catch (thrown) {
      // Codec data that the container cannot hold end this playlist, not the stream.
      this.#reader.close();
      this.#options.onEnd(toWatchpostError(thrown, 'HLS_FAILED'));
    }
  }
}
