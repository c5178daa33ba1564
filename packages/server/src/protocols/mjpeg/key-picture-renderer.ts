import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { JpegDecoder } from '../../decode/jpeg-decoder.ts';
import { type CodedPictures, codedPictures } from '../../decode/picture.ts';

/** Renders coded pictures. */
export type Renderer = Pick<JpegDecoder, 'toJpeg'>;

/** How a renderer works. */
export interface KeyPictureRendererOptions {
  readonly decoder: Renderer;
  readonly clock: Clock;
  /** Asked for before each picture. */
  readonly intervalMs: () => number;
  readonly onPicture: (jpeg: Uint8Array, capturedMs: number) => void;
  /** A picture that could not be rendered; the next one is tried all the same. */
  readonly onFailure: (reason: WatchpostError) => void;
}

interface KeyPicture {
  readonly pictures: CodedPictures;
  readonly capturedMs: number;
}

/** Renders the newest key picture, one at a time and at most one each interval; those between are left out. */
export class KeyPictureRenderer {
  readonly #options: KeyPictureRendererOptions;
  #newest: KeyPicture | undefined;
  #isBusy = false;
  #isClosed = false;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #cancelWait: (() => void) | undefined;

  constructor(options: KeyPictureRendererOptions) {
    this.#options = options;
  }

  /** Takes a key picture; its bytes are copied. */
  offer(sample: Sample): void {
    const pictures = codedPictures(sample.track, [sample]);
    if (pictures === undefined || this.#isClosed) return;
    this.#newest = { pictures, capturedMs: sample.wallMs };
    this.#next();
  }

  /** Nothing comes out any more. */
  close(): void {
    this.#isClosed = true;
    this.#cancelWait?.();
    this.#newest = undefined;
  }

  #next(): void {
    const { clock, intervalMs } = this.#options;
    if (this.#isBusy || this.#newest === undefined || this.#cancelWait !== undefined) return;
    const waitMs = this.#startedAtMs + intervalMs() - clock.monotonicMs();
    if (waitMs > 0) {
      this.#cancelWait = clock.after(waitMs, () => {
        this.#cancelWait = undefined;
        this.#next();
      });
      return;
    }
    this.#startedAtMs = clock.monotonicMs();
    const picture = this.#newest;
    this.#newest = undefined;
    void this.#render(picture);
  }

  async #render({ pictures, capturedMs }: KeyPicture): Promise<void> {
    const { decoder, onPicture, onFailure } = this.#options;
    this.#isBusy = true;
    try {
      const jpeg = await decoder.toJpeg(pictures);
      if (!this.#isClosed) onPicture(jpeg, capturedMs);
    } catch (thrown) {
      if (!this.#isClosed) onFailure(toWatchpostError(thrown, 'MJPEG_FAILED'));
    } finally {
      this.#isBusy = false;
      if (!this.#isClosed) this.#next();
    }
  }
}
