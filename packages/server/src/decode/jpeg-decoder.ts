import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { CodedPictures } from './picture.ts';

/** Most that is given to a decoder at once, and the largest JPEG that is taken. */
export const maxPictureBytes = 32 * 1024 * 1024;
const maxWaiting = 64;
const timeoutMs = 8000;
const heldPauseMs = 50;

/** The box that a picture is scaled into, keeping its proportions; pixels, 16…4096. Its own size where both are missing. */
export interface PictureSize {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** A way to make a JPEG of the newest of some pictures, in a process of its own. */
export type DecodeJpeg = (pictures: CodedPictures, size: PictureSize, signal: AbortSignal) => Promise<Uint8Array>;

/** What a decoder may use. */
export interface JpegDecoderOptions {
  readonly decode: DecodeJpeg;
  /** True while no process may be started: what is asked for waits. */
  readonly isHeld?: () => boolean;
  /** Called once nothing is decoded any more. */
  readonly close?: () => Promise<void>;
  /** Processes at once; half of the processor cores by default. */
  readonly maxAtOnce?: number;
  readonly timeoutMs?: number;
}

/** Decodes pictures to JPEG: few at once, others wait in order. The only place where pictures are decoded. */
export class JpegDecoder implements AsyncDisposable {
  readonly #decode: DecodeJpeg;
  readonly #isHeld: () => boolean;
  readonly #close: (() => Promise<void>) | undefined;
  readonly #maxAtOnce: number;
  readonly #timeoutMs: number;
  #busy = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #control = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: JpegDecoderOptions) {
    this.#decode = options.decode;
    this.#isHeld = options.isHeld ?? (() => false);
    this.#close = options.close;
    this.#maxAtOnce = options.maxAtOnce ?? Math.max(1, availableParallelism() >> 1);
    this.#timeoutMs = options.timeoutMs ?? timeoutMs;
  }

  /**
   * JPEG of the newest picture. A JPEG that need not be scaled passes as it is. Throws `resource_exhausted` where too many
   * wait, `timeout`, `unavailable` without a decoder, `malformed` for what cannot be decoded.
   */
  async toJpeg(pictures: CodedPictures, size: PictureSize = {}): Promise<Uint8Array> {
    if (pictures.bytes.length === 0 || pictures.bytes.length > maxPictureBytes) {
      throw new WatchpostError(`Pictures of ${pictures.bytes.length} bytes are not decoded`, {
        kind: 'malformed',
        code: 'DECODE_SIZE',
      });
    }
    if (pictures.codec === 'mjpeg' && size.width === undefined && size.height === undefined) return pictures.bytes;
    await this.#turn();
    const work = this.#run(pictures, size);
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy--;
    }
  }

  /** Ends the processes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#control.abort(new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' }));
    for (const wake of this.#waiting.splice(0)) wake();
    await Promise.allSettled(this.#running);
    await this.#close?.();
  }

  /** Resolves once one of the places is this one's; whoever ends hands its place on. */
  async #turn(): Promise<void> {
    if (this.#busy < this.#maxAtOnce) {
      this.#busy++;
      return;
    }
    if (this.#waiting.length >= maxWaiting) {
      throw new WatchpostError('Too many pictures wait to be decoded — ask again in some seconds', {
        kind: 'resource_exhausted',
        code: 'DECODE_BUSY',
        context: { retryAfterSeconds: 2 },
      });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #run(pictures: CodedPictures, size: PictureSize): Promise<Uint8Array> {
    const signal = AbortSignal.any([this.#control.signal, AbortSignal.timeout(this.#timeoutMs)]);
    try {
      signal.throwIfAborted();
      while (this.#isHeld()) await setTimeout(heldPauseMs, undefined, { signal });
      return await this.#decode(pictures, size, signal);
    } catch (thrown) {
      if ((signal.reason as Error | undefined)?.name !== 'TimeoutError') throw thrown;
      throw new WatchpostError(`The picture was not decoded within ${this.#timeoutMs} ms`, {
        kind: 'timeout',
        code: 'DECODE_TIMEOUT',
        cause: thrown,
      });
    }
  }
}
