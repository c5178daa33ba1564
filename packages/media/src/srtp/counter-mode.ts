import type { BlockCipher } from './crypto.ts';

const blockBytes = 16;
const firstBytes = 2048;

/** AES in counter mode (RFC 3711 §4.1.1): the same for both ways. */
export class CounterMode {
  readonly #cipher: BlockCipher;
  /** The first counter block; its last two bytes count blocks. */
  readonly #first = new Uint8Array(blockBytes);
  readonly #firstWords = new Int32Array(this.#first.buffer);
  #blocks = new Uint8Array(firstBytes);
  #words = new Int32Array(this.#blocks.buffer);

  constructor(cipher: BlockCipher) {
    this.#cipher = cipher;
  }

  /** The 16 bytes that the counter begins with: to be set before `apply`, the last two of them 0. */
  get iv(): Uint8Array {
    return this.#first;
  }

  /** Encrypts or decrypts `bytes[start…end)` in place; at most 1 MiB. */
  apply(bytes: Uint8Array, start: number, end: number): void {
    const count = Math.ceil((end - start) / blockBytes);
    if (count === 0) return;
    if (this.#blocks.length < count * blockBytes) {
      this.#blocks = new Uint8Array(count * blockBytes);
      this.#words = new Int32Array(this.#blocks.buffer);
    }
    this.#fill(count);
    const whole = this.#blocks.length === count * blockBytes;
    const stream = this.#cipher.encrypt(whole ? this.#blocks : this.#blocks.subarray(0, count * blockBytes));
    for (let i = start, k = 0; i < end; i++, k++) bytes[i] = bytes[i]! ^ stream[k]!;
  }

  #fill(count: number): void {
    const first = this.#first;
    const firstWords = this.#firstWords;
    const words = this.#words;
    for (let i = 0, at = 0; i < count; i++, at += 4) {
      first[14] = i >> 8;
      first[15] = i;
      words[at] = firstWords[0]!;
      words[at + 1] = firstWords[1]!;
      words[at + 2] = firstWords[2]!;
      words[at + 3] = firstWords[3]!;
    }
  }
}
