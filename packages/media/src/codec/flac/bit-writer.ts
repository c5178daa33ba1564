/** Writes bits from the most significant on into bytes that grow as needed. */
export class BitWriter {
  #bytes: Uint8Array;
  #length = 0;
  #pending = 0;
  #pendingBits = 0;

  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(Math.max(16, capacityBytes));
  }

  /** Appends the low `count` bits of `value`, 0…24 of them. */
  put(value: number, count: number): void {
    this.#pending = ((this.#pending << count) | (value & ((1 << count) - 1))) & 0x7fffffff;
    this.#pendingBits += count;
    while (this.#pendingBits >= 8) {
      this.#pendingBits -= 8;
      this.#append((this.#pending >> this.#pendingBits) & 255);
      this.#pending &= (1 << this.#pendingBits) - 1;
    }
  }

  /** Appends `count` zeros and a one. */
  unary(count: number): void {
    for (let left = count; left > 0; left -= 16) this.put(0, Math.min(16, left));
    this.put(1, 1);
  }

  /** Fills the last byte with zeros. */
  align(): void {
    if (this.#pendingBits > 0) this.put(0, 8 - this.#pendingBits);
  }

  /** A view of the whole bytes so far. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #append(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }
}
