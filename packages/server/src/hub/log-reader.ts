import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Follower, Member } from './company.ts';
import type { Reader, ReaderCount, ReaderOptions } from './types.ts';

const defaultMaxLagMs = 10_000;
const defaultMaxLagBytes = 16 * 1024 * 1024;
const defaultMaxStuckMs = 30_000;

/** What a reader needs of its log. */
export interface ReadLog<T> {
  /** Takes what is there since the reader's index. */
  take(reader: LogReader<T>): readonly T[];
  /** Age of the item at `index`, ms; 0 where there is none yet. */
  lagMs(index: number, nowMs?: number): number;
  /** Lets the reader go in step, if it is up to date. */
  follow(reader: LogReader<T>, follower: Follower<T>): void;
  /** The reader is closed. */
  forget(reader: LogReader<T>): void;
}

/** A place in a `SharedLog`; see `Reader`. */
export class LogReader<T> implements Reader<T>, Member<T> {
  readonly protocol: string;
  readonly maxLagMs: number;
  readonly maxLagBytes: number;
  index: number;
  needsKey: boolean;
  /** It is called at the next flush. */
  isWaiting = false;
  readonly onReady: (() => void) | undefined;
  dropped = 0;
  /** While it goes in step: then `index` means nothing. */
  follower: Follower<T> | undefined;
  place = 0;
  readonly #log: ReadLog<T>;
  readonly #options: ReaderOptions<T>;
  #closed = false;
  /** When something waited for this reader first since its last pull; 0 while nothing does. */
  #pendingSinceMs = 0;

  constructor(log: ReadLog<T>, options: ReaderOptions<T>, place: { index: number; needsKey: boolean }) {
    this.#log = log;
    this.#options = options;
    this.protocol = options.protocol;
    this.maxLagMs = options.maxLagMs ?? defaultMaxLagMs;
    this.maxLagBytes = options.maxLagBytes ?? defaultMaxLagBytes;
    this.index = place.index;
    this.needsKey = place.needsKey;
    this.onReady = options.onReady;
  }

  get holds(): (() => readonly T[] | undefined) | undefined {
    return this.#options.holds;
  }

  get readsFor(): readonly ReaderCount[] | undefined {
    return this.#options.onBehalfOf?.();
  }

  get lagMs(): number {
    return this.#closed || this.follower !== undefined ? 0 : this.#log.lagMs(this.index);
  }

  pull(): readonly T[] {
    if (this.#closed || this.follower !== undefined) return [];
    this.#pendingSinceMs = 0;
    return this.#log.take(this);
  }

  follow(follower: Follower<T>): void {
    if (!this.#closed) this.#log.follow(this, follower);
  }

  left(index: number, last: T | undefined, isBlocked: boolean): void {
    const follower = this.follower!;
    this.follower = undefined;
    this.index = index;
    follower.leftStep(last, isBlocked);
    if (!this.#closed) this.onReady?.();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#log.forget(this);
  }

  wake(): void {
    this.isWaiting = false;
    if (!this.#closed && this.follower === undefined) this.onReady?.();
  }

  checkStuck(nowMs: number): void {
    if (this.follower !== undefined || this.#log.lagMs(this.index, nowMs) <= 0) {
      this.#pendingSinceMs = 0;
      return;
    }
    if (this.#pendingSinceMs === 0) this.#pendingSinceMs = nowMs;
    const stuckMs = nowMs - this.#pendingSinceMs;
    if (stuckMs <= (this.#options.maxStuckMs ?? defaultMaxStuckMs)) return;
    this.end(
      new WatchpostError(
        `The ${this.protocol} reader took nothing for ${Math.round(stuckMs / 1000)} s and was closed`,
        {
          kind: 'resource_exhausted',
          code: 'READER_STUCK',
        },
      ),
    );
  }

  end(reason: WatchpostError): void {
    if (this.#closed) return;
    this.close();
    this.#options.onClose?.(reason);
  }
}
