/** PAT and PMT sections are at most 1024 bytes (ISO/IEC 13818-1 §2.4.4.3, §2.4.4.8). */
const maxSectionBytes = 1024;

/** Puts the sections of one PID together from the payloads of its packets (ISO/IEC 13818-1 §2.4.4.1). */
export class SectionAssembler {
  readonly #bytes = new Uint8Array(maxSectionBytes);
  #filled = 0;
  #active = false;

  /** Forgets the section under way. */
  reset(): void {
    this.#active = false;
    this.#filled = 0;
  }

  /** The sections that end in this payload. One that is too long is passed over. */
  push(payload: Uint8Array, isStart: boolean): Uint8Array[] {
    const whole: Uint8Array[] = [];
    let at = 0;
    if (isStart) {
      const pointer = payload[0]!;
      if (this.#active) this.#take(payload.subarray(1, 1 + pointer), whole);
      at = 1 + pointer;
      this.reset();
      this.#active = true;
    }
    while (this.#active && at < payload.length) {
      // Stuffing goes on to the end of the packet.
      if (this.#filled === 0 && payload[at] === 0xff) {
        this.#active = false;
        break;
      }
      at += this.#take(payload.subarray(at), whole);
    }
    return whole;
  }

  /** Returns the bytes that belong to the section under way. */
  #take(bytes: Uint8Array, whole: Uint8Array[]): number {
    let used = 0;
    while (used < bytes.length && this.#filled < this.#needed()) this.#bytes[this.#filled++] = bytes[used++]!;
    const needed = this.#needed();
    if (needed > maxSectionBytes) {
      this.reset();
      return bytes.length;
    }
    if (this.#filled >= 3 && this.#filled === needed) {
      whole.push(this.#bytes.slice(0, needed));
      this.#filled = 0;
    }
    return used;
  }

  #needed(): number {
    return this.#filled < 3 ? 3 : 3 + (((this.#bytes[1]! & 15) << 8) | this.#bytes[2]!);
  }
}
