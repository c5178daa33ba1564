import { WatchpostError } from '@watchpost/base/errors.ts';

/** Lets a few tasks run at once and a bounded number wait; the rest is refused. For work that costs much memory. */
export class Gate {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: { readonly maxRunning: number; readonly maxWaiting: number }) {
    this.#maxRunning = limits.maxRunning;
    this.#maxWaiting = limits.maxWaiting;
  }

  /** Runs `task` when there is room. Throws `resource_exhausted` (`LOGIN_BUSY`) where too many wait already. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#maxRunning) this.#running++;
    else await this.#wait();
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting)
      throw new WatchpostError('too many logins at once — try again in a few seconds', {
        kind: 'resource_exhausted',
        code: 'LOGIN_BUSY',
        context: { retryAfterSeconds: 3 },
      });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
