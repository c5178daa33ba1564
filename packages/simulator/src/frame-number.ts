/** Blocks of the number, most significant first; in the top ninth of the picture, each a sixteenth of its width. */
export const frameNumberBits = 16;

/** Height of the blocks in a picture. */
export function frameNumberRows(height: number): number {
  return Math.floor(height / 9);
}

/**
 * Level of a luma sample of the frame number: white for 1, black for 0. The number is Gray-coded and its last block is
 * the parity of the others, so 0…32767 can be told from a picture without a number and from a damaged one.
 */
export function frameNumberLevel(value: number, block: number): number {
  const gray = (value ^ (value >> 1)) & 0x7fff;
  const bits = frameNumberBits - 1;
  const bit = block < bits ? (gray >> (bits - 1 - block)) & 1 : 1 - parity(gray);
  return bit ? 235 : 16;
}

/**
 * Reads the frame number of a picture from its luma (8 bits a sample, rows without padding), whatever its size.
 * Undefined where there is none that can be read.
 */
export function readFrameNumber(gray: Uint8Array, width: number, height: number): number | undefined {
  if (width < frameNumberBits * 2 || height < 18 || gray.length < width * height) return undefined;
  const row = Math.floor(frameNumberRows(height) / 2);
  let code = 0;
  for (let block = 0; block < frameNumberBits; block++) {
    const level = meanLevel(gray, width, { x: ((block + 0.5) * width) / frameNumberBits, y: row });
    if (level > 90 && level < 160) return undefined;
    code = (code << 1) | (level >= 160 ? 1 : 0);
  }
  const grayCode = code >> 1;
  if ((code & 1) !== 1 - parity(grayCode)) return undefined;
  let value = grayCode;
  for (let shift = 1; shift < frameNumberBits; shift <<= 1) value ^= value >> shift;
  return value;
}

function meanLevel(gray: Uint8Array, width: number, centre: { x: number; y: number }): number {
  let sum = 0;
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) sum += gray[(centre.y + dy) * width + Math.floor(centre.x) + dx]!;
  }
  return sum / 9;
}

function parity(value: number): number {
  let odd = 0;
  for (let rest = value; rest > 0; rest >>= 1) odd ^= rest & 1;
  return odd;
}
