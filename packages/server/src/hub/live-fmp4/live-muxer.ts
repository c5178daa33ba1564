import type { Clock } from '@watchpost/base/clock.ts';
import type { CacheBudget } from '../cache-budget.ts';
import { SharedOutput } from '../shared-output.ts';
import type { Stream } from '../stream.ts';
import type { Reader, ReaderOptions } from '../types.ts';
import { ChunkBuilder } from './chunk-builder.ts';
import type { LiveChunk } from './live-chunk.ts';

/** What `LiveFmp4` needs. */
export interface LiveFmp4Options {
  readonly clock: Clock;
  /** The hub's: chunks count as its GOP caches do. */
  readonly budget?: CacheBudget;
}

/** The muxers of all live streams that somebody watches as fMP4; all outputs of that format share one. */
export class LiveFmp4 {
  readonly #options: LiveFmp4Options;
  readonly #outputs = new Map<Stream, SharedOutput<LiveChunk>>();

  constructor(options: LiveFmp4Options) {
    this.#options = options;
  }

  /** Streams that are being muxed. */
  get active(): number {
    return this.#outputs.size;
  }

  /** Opens a place among the chunks of a stream; the stream's muxer exists until the last one is closed. */
  open(stream: Stream, options: ReaderOptions): Reader<LiveChunk> {
    let output = this.#outputs.get(stream);
    if (output === undefined) {
      output = makeOutput(stream, { ...this.#options, onEnd: () => this.#outputs.delete(stream) });
      if (!output.hasEnded) this.#outputs.set(stream, output);
    }
    return output.open(options);
  }
}

/** Muxes one stream, each chunk once, for as long as there is a reader. */
function makeOutput(stream: Stream, options: LiveFmp4Options & { onEnd: () => void }): SharedOutput<LiveChunk> {
  const builder = new ChunkBuilder(
    () => stream.sendingTracks,
    (chunk) => output.append(chunk, { randomAccess: chunk.key, bytes: chunk.bytes.length }),
  );
  const output = new SharedOutput<LiveChunk>(stream, {
    ...options,
    protocol: 'live-fmp4',
    onSamples: (samples) => {
      for (const sample of samples) builder.push(sample);
      builder.flush();
      output.flush();
    },
  });
  output.start();
  return output;
}
