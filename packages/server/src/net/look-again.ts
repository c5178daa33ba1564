import type { Clock } from '@watchpost/base/clock.ts';

const lookEveryMs = 10_000;

/** Looks for what is missing: whenever it is told to, and every 10 s until nothing is; one look at a time. */
export class LookAgain implements Disposable {
  readonly #clock: Clock;
  readonly #look: () => Promise<{ isMissing: boolean }>;
  #cancel: () => void = () => {};
  #work: Promise<void> = Promise.resolve();
  #disposed = false;

  /** `look` never rejects. */
  constructor(clock: Clock, look: () => Promise<{ isMissing: boolean }>) {
    this.#clock = clock;
    this.#look = look;
  }

  /** What a look finds from now on is not wanted any longer. */
  get isDisposed(): boolean {
    return this.#disposed;
  }

  /** Looks now, or after the look that is going on. Never rejects. */
  now(): Promise<void> {
    this.#work = this.#work.then(() => this.#lookOnce());
    return this.#work;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#cancel();
  }

  async #lookOnce(): Promise<void> {
    this.#cancel();
    if (this.#disposed) return;
    const { isMissing } = await this.#look();
    if (isMissing && !this.#disposed) this.#cancel = this.#clock.after(lookEveryMs, () => void this.now());
  }
}
