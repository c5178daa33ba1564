/** Time, injected wherever it is needed, so that tests own it. */
export interface Clock {
  /** Milliseconds since 1970 UTC; may step when somebody sets the machine's clock. */
  wallMs(): number;
  /** Milliseconds of a clock that never steps; its zero means nothing. */
  monotonicMs(): number;
  /** Calls `task` once after `delayMs`; the function that comes back cancels it. */
  after(delayMs: number, task: () => void): () => void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs`; rejects at once with the signal's reason when it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A clock for tests: stands still until `advance` is called. */
export class ManualClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  #tasks: { atMs: number; task: () => void }[] = [];

  constructor(wallMs = 1_760_000_000_000) {
    this.#wallMs = wallMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, task: () => void): () => void {
    const entry = { atMs: this.#monotonicMs + delayMs, task };
    this.#tasks.push(entry);
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== entry);
    };
  }

  /** Moves both clocks forward, running what falls due in order. */
  advance(ms: number): void {
    const endMs = this.#monotonicMs + ms;
    for (;;) {
      const next = this.#tasks.filter((t) => t.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.#tasks = this.#tasks.filter((t) => t !== next);
      this.#wallMs += next.atMs - this.#monotonicMs;
      this.#monotonicMs = next.atMs;
      next.task();
    }
    this.#wallMs += endMs - this.#monotonicMs;
    this.#monotonicMs = endMs;
  }

  /** Steps the wall clock only, as somebody who sets the machine's time does. */
  stepWall(ms: number): void {
    this.#wallMs += ms;
  }
}
