const firstCapacity = 256;

/** Numbers of 0…2^53-1 that are only ever added, eight bytes each: tables of a day hold millions. */
export class NumberList {
  #values = new Float64Array(firstCapacity);
  #length = 0;

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** The one at `index`, which there must be. */
  at(index: number): number {
    return this.#values[index]!;
  }

  /** Adds one at the end. */
  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(this.#length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** Replaces the last one. */
  setLast(value: number): void {
    this.#values[this.#length - 1] = value;
  }
}

/** The same, with what repeats counted: `stts` and `ctts` are written so (ISO/IEC 14496-12 §8.6.1). */
export class RunList {
  readonly counts = new NumberList();
  readonly values = new NumberList();

  /** Adds `value` once more. */
  push(value: number): void {
    const last = this.values.length - 1;
    if (last >= 0 && this.values.at(last) === value) this.counts.setLast(this.counts.at(last) + 1);
    else {
      this.counts.push(1);
      this.values.push(value);
    }
  }
}
