const size = 128;

/** Which of the last 128 indices have come (RFC 3711 §3.3.2), for packets of one sender. */
export class ReplayWindow {
  /** The highest index that has come; -1 before the first. */
  highest = -1;
  readonly #seen = new Float64Array(size).fill(-1);

  /** False for an index that has come, or is too old to tell. */
  isNew(index: number): boolean {
    return index > this.highest - size && this.#seen[index % size] !== index;
  }

  /** Only for packets that are proven to be genuine. */
  add(index: number): void {
    this.#seen[index % size] = index;
    if (index > this.highest) this.highest = index;
  }
}
