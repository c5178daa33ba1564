const periodMs = 60_000;
const renewMs = 3_600_000;
const maxKeys = 10_000;

interface Seen {
  /** When it was last written down. */
  readonly toldMs: number;
  /** When it last happened. */
  lastMs: number;
}

/**
 * Tells what is new from what goes on: a player asks every few seconds, and that is one row. The same key is new again
 * after a minute of silence, and once an hour while it goes on.
 */
export class OnceAMinute {
  readonly #seen = new Map<string, Seen>();

  /** True where it is to be written down; `nowMs` only grows. */
  isNew(key: string, nowMs: number): boolean {
    const known = this.#seen.get(key);
    if (known !== undefined && nowMs - known.lastMs < periodMs && nowMs - known.toldMs < renewMs) {
      known.lastMs = nowMs;
      return false;
    }
    this.#seen.delete(key);
    this.#seen.set(key, { toldMs: nowMs, lastMs: nowMs });
    if (this.#seen.size > maxKeys) this.#seen.delete(this.#seen.keys().next().value!);
    return true;
  }
}
