import { malformed } from './malformed.ts';

/** Reads bits from the most significant on, with the Exp-Golomb codes of H.26x (ITU-T H.264 §9.1). Throws `malformed` past the end. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #endBit: number;
  #bit: number;

  constructor(bytes: Uint8Array, startByte = 0) {
    this.#bytes = bytes;
    this.#bit = startByte * 8;
    this.#endBit = bytes.length * 8;
  }

  /** Bits that are left. */
  get left(): number {
    return this.#endBit - this.#bit;
  }

  /** The next `count` bits, 0…32, as an unsigned number. */
  bits(count: number): number {
    if (count > this.left) throw malformed('CODEC_BITS_TRUNCATED', 'Codec data end too early.');
    let value = 0;
    for (let left = count; left > 0; ) {
      const offset = this.#bit & 7;
      const taken = Math.min(8 - offset, left);
      const byte = this.#bytes[this.#bit >> 3]!;
      value = value * 2 ** taken + ((byte >> (8 - offset - taken)) & ((1 << taken) - 1));
      this.#bit += taken;
      left -= taken;
    }
    return value;
  }

  /** One bit as a flag. */
  flag(): boolean {
    return this.bits(1) === 1;
  }

  /** Passes over `count` bits. */
  skip(count: number): void {
    if (count > this.left) throw malformed('CODEC_BITS_TRUNCATED', 'Codec data end too early.');
    this.#bit += count;
  }

  /** ue(v): 0…2^32-2. */
  ue(): number {
    let zeros = 0;
    while (this.bits(1) === 0) {
      zeros++;
      if (zeros > 32) throw malformed('CODEC_GOLOMB_TOO_LONG', 'An Exp-Golomb code is longer than 32 bits.');
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** ue(v) that must not exceed `max`. */
  ueAtMost(max: number, name: string): number {
    const value = this.ue();
    if (value > max) throw malformed('CODEC_VALUE_RANGE', `${name} is ${value}, at most ${max} is possible.`);
    return value;
  }

  /** se(v). */
  se(): number {
    const code = this.ue();
    return code % 2 === 1 ? (code + 1) / 2 : -(code / 2);
  }
}
