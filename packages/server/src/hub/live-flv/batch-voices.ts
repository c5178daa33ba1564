import type { BatchFacts } from '@watchpost/media/container/flv/batch-builder.ts';
import type { FlvMuxer } from '@watchpost/media/container/flv/muxer.ts';
import type { Voice } from '../company.ts';

/** What batches are to those who have the sequence headers of their muxer: one voice for each muxer. */
export class BatchVoices<B extends BatchFacts> {
  readonly #voices = new WeakMap<FlvMuxer, Voice<B>>();
  readonly #bytesOf: (batch: B) => Uint8Array;
  readonly #sent: (bytes: number) => void;

  /** `sent`: so many bytes were written. */
  constructor(bytesOf: (batch: B) => Uint8Array, sent: (bytes: number) => void) {
    this.#bytesOf = bytesOf;
    this.#sent = sent;
  }

  /** The voice of a muxer, always the same object. */
  of(muxer: FlvMuxer): Voice<B> {
    let voice = this.#voices.get(muxer);
    if (voice === undefined) {
      voice = { bytesOf: (batch) => (batch.muxer === muxer ? this.#bytesOf(batch) : undefined), sent: this.#sent };
      this.#voices.set(muxer, voice);
    }
    return voice;
  }
}
