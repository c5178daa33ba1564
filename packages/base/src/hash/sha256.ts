/** The first 32 bits of the fractional parts of roots of the first primes, as FIPS 180-4 §4.2.2 and §5.3.3 define them. */
function rootBits(count: number, root: (prime: number) => number): Int32Array {
  const bits: number[] = [];
  for (let n = 2; bits.length < count; n++) {
    let prime = true;
    for (let i = 2; i * i <= n; i++) if (n % i === 0) prime = false;
    if (prime) bits.push(((root(n) % 1) * 0x1_0000_0000) | 0);
  }
  return Int32Array.from(bits);
}

const constants = rootBits(64, Math.cbrt);
const initial = rootBits(8, Math.sqrt);

/** SHA-256 (FIPS 180-4 §6.2), 32 bytes, for code that runs where no `node:crypto` is. */
export function sha256(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(((message.length + 72) >>> 6) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const words = new DataView(padded.buffer);
  words.setUint32(padded.length - 8, Math.floor(message.length / 0x2000_0000));
  words.setUint32(padded.length - 4, message.length << 3);
  const state = initial.slice();
  const schedule = new Int32Array(64);
  for (let at = 0; at < padded.length; at += 64) addBlock(state, schedule, { words, at });
  const digest = new Uint8Array(32);
  const view = new DataView(digest.buffer);
  for (let i = 0; i < 8; i++) view.setInt32(i * 4, state[i]!);
  return digest;
}

function addBlock(state: Int32Array, schedule: Int32Array, block: { words: DataView; at: number }): void {
  for (let i = 0; i < 16; i++) schedule[i] = block.words.getInt32(block.at + i * 4);
  for (let i = 16; i < 64; i++) {
    const w15 = schedule[i - 15]!;
    const w2 = schedule[i - 2]!;
    const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3);
    const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10);
    schedule[i] = schedule[i - 16]! + s0 + schedule[i - 7]! + s1;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + constants[i]! + schedule[i]!) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  const next = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i++) state[i] = state[i]! + next[i]!;
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
