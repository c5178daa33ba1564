const table = new Uint32Array(256);
for (let i = 0; i < 256; i++) {
  let value = i << 24;
  for (let bit = 0; bit < 8; bit++) value = (value & 0x8000_0000) !== 0 ? (value << 1) ^ 0x04c1_1db7 : value << 1;
  table[i] = value >>> 0;
}

/** CRC_32 of sections (ISO/IEC 13818-1 annex A); 0 over a whole section that is intact. */
export function crc32Mpeg(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffff_ffff;
  for (let i = start; i < end; i++) crc = ((crc << 8) ^ table[((crc >>> 24) ^ bytes[i]!) & 255]!) >>> 0;
  return crc;
}
