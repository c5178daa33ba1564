import type { Clock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { CacheBudget } from '../../hub/cache-budget.ts';
import { SharedOutput } from '../../hub/shared-output.ts';
import type { Stream } from '../../hub/stream.ts';
import type { Reader, ReaderOptions } from '../../hub/types.ts';
import { type JpegPart, writePart } from './jpeg-part.ts';
import { KeyPictureRenderer, type Renderer } from './key-picture-renderer.ts';

/** What `LiveJpegs` needs. */
export interface LiveJpegsOptions {
  readonly clock: Clock;
  readonly decoder: Renderer;
  readonly intervalMs: () => number;
  /** The hub's: pictures count as its GOP caches do. */
  readonly budget: CacheBudget;
  /** A key picture could not be rendered. */
  readonly onFailure: (stream: Stream, reason: WatchpostError) => void;
}

/** The pictures of all streams that somebody watches as MJPEG, each made once. */
export class LiveJpegs {
  readonly #options: LiveJpegsOptions;
  readonly #outputs = new Map<Stream, SharedOutput<JpegPart>>();

  constructor(options: LiveJpegsOptions) {
    this.#options = options;
  }

  /** Streams whose pictures are made. */
  get active(): number {
    return this.#outputs.size;
  }

  /** Opens a place among the pictures of a stream; they are made until the last one is closed. */
  open(stream: Stream, options: ReaderOptions): Reader<JpegPart> {
    let output = this.#outputs.get(stream);
    if (output === undefined) {
      output = makeOutput(stream, { ...this.#options, onEnd: () => this.#outputs.delete(stream) });
      if (!output.hasEnded) this.#outputs.set(stream, output);
    }
    return output.open(options);
  }
}

function makeOutput(stream: Stream, options: LiveJpegsOptions & { onEnd: () => void }): SharedOutput<JpegPart> {
  let count = 0;
  const append = (jpeg: Uint8Array, capturedMs: number) => {
    const bytes = writePart(jpeg, capturedMs);
    output.append({ bytes, samplesBefore: count++, samples: 1 }, { randomAccess: true, bytes: bytes.length });
  };
  const renderer = new KeyPictureRenderer({
    ...options,
    onPicture: (jpeg, capturedMs) => {
      append(jpeg, capturedMs);
      output.flush();
    },
    onFailure: (reason) => {
      options.onFailure(stream, reason);
      // Without a decoder there will never be a picture: whoever waits is told what to do.
      if (count === 0 && reason.kind === 'unavailable') output.end(reason);
    },
  });
  const take = (sample: Sample) => {
    const { codec, kind } = sample.track;
    if (codec === 'mjpeg') append(sample.units[0]!, sample.wallMs);
    else if (kind === 'video' && sample.key) renderer.offer(sample);
  };
  const output = new SharedOutput<JpegPart>(stream, {
    ...options,
    protocol: 'mjpeg',
    onSamples: (samples) => {
      for (const sample of samples) take(sample);
      output.flush();
    },
    onEnd: () => {
      renderer.close();
      options.onEnd();
    },
  });
  output.start();
  return output;
}
