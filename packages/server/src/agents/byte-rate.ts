/** Counts bytes in each second, and says how long to wait where they are more than allowed. */
export class ByteRate {
  readonly #maxBytesPerSecond: number;
  #allowance: number;
  #atMs: number;

  /** 0 for no limit. */
  constructor(maxBytesPerSecond: number, nowMs: number) {
    this.#maxBytesPerSecond = maxBytesPerSecond;
    this.#allowance = maxBytesPerSecond;
    this.#atMs = nowMs;
  }

  /** Milliseconds to wait before the next bytes are taken; a second's worth may come at once. */
  spend(bytes: number, nowMs: number): number {
    const perSecond = this.#maxBytesPerSecond;
    if (perSecond === 0) return 0;
    const earned = ((nowMs - this.#atMs) * perSecond) / 1000;
    this.#atMs = nowMs;
    this.#allowance = Math.min(perSecond, this.#allowance + earned) - bytes;
    return this.#allowance >= 0 ? 0 : (-this.#allowance * 1000) / perSecond;
  }
}
