/** What a `CacheBudget` asks of a log. */
export interface CachedLog {
  readonly bytes: number;
  readonly oldestMs: number;
  readonly hasCache: boolean;
  dropCache(nowMs: number): void;
}

/** Bounds the bytes that all logs keep together: past the limit the oldest cache goes first. */
export class CacheBudget {
  readonly #limitBytes: number;
  readonly #logs = new Set<CachedLog>();
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes in all logs. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  add(log: CachedLog): void {
    this.#logs.add(log);
  }

  delete(log: CachedLog): void {
    this.#logs.delete(log);
  }

  grew(bytes: number): void {
    this.#usedBytes += bytes;
  }

  shrank(bytes: number): void {
    this.#usedBytes -= bytes;
  }

  /** Drops caches until the sum is within the limit; called a few times a second at most. */
  enforce(nowMs: number): void {
    if (this.#usedBytes <= this.#limitBytes) return;
    const byAge = [...this.#logs].filter((log) => log.hasCache).sort((a, b) => a.oldestMs - b.oldestMs);
    for (const log of byAge) {
      if (this.#usedBytes <= this.#limitBytes) return;
      log.dropCache(nowMs);
    }
  }
}
