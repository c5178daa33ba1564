/** G.711 A-law byte to linear 16 bits (ITU-T G.711 table 1, even bits inverted). */
const aLawTable: Int16Array = buildTable((code) => {
  const value = code ^ 0x55;
  const exponent = (value >> 4) & 7;
  const mantissa = ((value & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return (value & 0x80) !== 0 ? magnitude : -magnitude;
});

/** G.711 µ-law byte to linear 16 bits (ITU-T G.711 table 2, all bits inverted). */
const muLawTable: Int16Array = buildTable((code) => {
  const value = ~code & 0xff;
  const magnitude = ((((value & 15) << 3) + 0x84) << ((value >> 4) & 7)) - 0x84;
  return (value & 0x80) !== 0 ? -magnitude : magnitude;
});

function buildTable(decode: (code: number) => number): Int16Array {
  const table = new Int16Array(256);
  for (let code = 0; code < 256; code++) table[code] = decode(code);
  return table;
}

/** Decodes G.711 to 16-bit PCM, one sample for each byte. */
export function decodeG711(codec: 'pcma' | 'pcmu', bytes: Uint8Array): Int16Array {
  const table = codec === 'pcma' ? aLawTable : muLawTable;
  const pcm = new Int16Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) pcm[i] = table[bytes[i]!]!;
  return pcm;
}
