import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import { BatchBuilder, type BatchFacts, type SerializeBatch } from '@watchpost/media/container/flv/batch-builder.ts';
import type { FlvH265 } from '@watchpost/media/container/flv/sequence-header.ts';
import type { CacheBudget } from '../cache-budget.ts';
import { SharedOutput } from '../shared-output.ts';
import type { Stream } from '../stream.ts';
import type { Reader, ReaderOptions } from '../types.ts';

/** What `LiveFlv` needs. */
export interface LiveFlvOptions<B extends BatchFacts> {
  /** Name of the protocol, for statistics. */
  readonly protocol: string;
  readonly clock: Clock;
  /** Frames are collected for so long and then sent at once; 0 sends each at once. Asked for whenever there are some. */
  readonly mergeMs: () => number;
  /** The hub's: batches count as its GOP caches do. */
  readonly budget: CacheBudget;
  /** See `BatchBuilderOptions`. */
  readonly maxAudioWaitMs: number;
  readonly serialize: SerializeBatch<B>;
  /** What a batch counts for. */
  readonly bytesOf: (batch: B) => number;
}

interface OutputOptions<B extends BatchFacts> extends LiveFlvOptions<B> {
  readonly h265: FlvH265;
  readonly onEnd: () => void;
}

/** The muxers of all streams that somebody watches as FLV or what is made of it, one for each stream and form of H.265. */
export class LiveFlv<B extends BatchFacts> {
  readonly #options: LiveFlvOptions<B>;
  readonly #outputs: Readonly<Record<FlvH265, Map<Stream, SharedOutput<B>>>> = {
    fourcc: new Map(),
    id12: new Map(),
  };

  constructor(options: LiveFlvOptions<B>) {
    this.#options = options;
  }

  /** Muxers at work. */
  get active(): number {
    return this.#outputs.fourcc.size + this.#outputs.id12.size;
  }

  /** Opens a place among the batches of a stream; the muxer exists until the last one is closed. */
  open(stream: Stream, h265: FlvH265, options: ReaderOptions): Reader<B> {
    const outputs = this.#outputs[h265];
    let output = outputs.get(stream);
    if (output === undefined) {
      output = makeOutput(stream, { ...this.#options, h265, onEnd: () => outputs.delete(stream) });
      if (!output.hasEnded) outputs.set(stream, output);
    }
    return output.open(options);
  }
}

/** Muxes one stream, each batch once, for as long as there is a reader. */
function makeOutput<B extends BatchFacts>(stream: Stream, options: OutputOptions<B>): SharedOutput<B> {
  const { clock, mergeMs, h265, maxAudioWaitMs, serialize, bytesOf } = options;
  const builder = new BatchBuilder({
    h265,
    maxAudioWaitMs,
    serialize,
    currentTracks: () => stream.sendingTracks,
    emit: (batch) => output.append(batch, { randomAccess: batch.key, bytes: bytesOf(batch) }),
  });
  let cancelMerge: (() => void) | undefined;
  const send = () => {
    cancelMerge?.();
    cancelMerge = undefined;
    builder.cut();
    output.flush();
  };
  const sendLater = () => {
    try {
      send();
    } catch (thrown) {
      output.end(toWatchpostError(thrown, 'FLV_FAILED'));
    }
  };
  const output = new SharedOutput<B>(stream, {
    ...options,
    holds: () => builder.held,
    onSamples: (samples) => {
      for (const sample of samples) builder.push(sample);
      if (!builder.isDue) return;
      const delayMs = mergeMs();
      if (delayMs === 0) send();
      else cancelMerge ??= clock.after(delayMs, sendLater);
    },
    onEnd: () => {
      cancelMerge?.();
      options.onEnd();
    },
  });
  output.start();
  // What was cached goes out at once, merged or not.
  if (!output.hasEnded) sendLater();
  return output;
}
