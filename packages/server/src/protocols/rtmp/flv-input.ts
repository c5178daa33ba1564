import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { announcedKinds } from '@watchpost/media/container/flv/metadata.ts';
import { FlvTagReader } from '@watchpost/media/container/flv/tag-reader.ts';
import type { ChunkRecycler, Publish } from '../../hub/types.ts';
import { UnitInput } from '../../hub/unit-input.ts';

/** What an input is made with. */
export interface FlvInputOptions {
  readonly publish: Publish;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the messages' memory comes from. */
  readonly memory: ChunkRecycler;
}

/** Publishes the audio, video and data messages of one RTMP stream. */
export class FlvInput {
  readonly #input: UnitInput;
  readonly #reader: FlvTagReader;
  readonly #logger: Logger;
  #skipped = 0;
  #hasWarned = false;

  constructor({ publish, clock, logger, memory }: FlvInputOptions) {
    this.#logger = logger;
    const input = new UnitInput(publish, clock, memory);
    this.#input = input;
    this.#reader = new FlvTagReader({
      track: (track) => input.track(track),
      unit: (track, unit) => input.unit(track, unit),
      script: (values) => {
        const kinds = announcedKinds(values);
        if (kinds) input.expect(kinds);
      },
    });
  }

  /** True once something was published. */
  get hasBegun(): boolean {
    return this.#input.hasBegun;
  }

  /** A message. What cannot be read is counted. */
  receive(type: number, timestampMs: number, body: Uint8Array): void {
    try {
      this.#reader.read(type, timestampMs, body);
    } catch (thrown) {
      const error = toWatchpostError(thrown);
      if (error.kind !== 'malformed') throw thrown;
      this.#input.count(error.code.toLowerCase(), 1);
    }
  }

  /** End of what one read brought. */
  flush(): void {
    this.#input.flush();
    const { skipped } = this.#reader;
    if (skipped === this.#skipped) return;
    this.#input.count('frames_skipped', skipped - this.#skipped);
    this.#skipped = skipped;
    if (this.#reader.multitrack === 0 || this.#hasWarned) return;
    this.#hasWarned = true;
    this.#logger.warn('several tracks in one message are not taken: send one picture and one sound');
  }

  close(reason: WatchpostError): void {
    this.#input.close(reason);
  }
}
