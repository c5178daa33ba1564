/** By sample + 32 768; made when first asked for. */
const tables: { pcma?: Uint8Array; pcmu?: Uint8Array } = {};

/** Encodes 16-bit PCM to G.711, one byte for each sample. */
export function encodeG711(codec: 'pcma' | 'pcmu', pcm: Int16Array): Uint8Array {
  tables[codec] ??= buildTable(codec === 'pcma' ? aLaw : muLaw);
  const table = tables[codec];
  const bytes = new Uint8Array(pcm.length);
  for (let i = 0; i < pcm.length; i++) bytes[i] = table[pcm[i]! + 32_768]!;
  return bytes;
}

function buildTable(encode: (sample: number) => number): Uint8Array {
  const table = new Uint8Array(65_536);
  for (let sample = -32_768; sample < 32_768; sample++) table[sample + 32_768] = encode(sample);
  return table;
}

/** ITU-T G.711 table 1: sign, segment, four bits; even bits inverted. */
function aLaw(sample: number): number {
  const magnitude = Math.min(Math.abs(sample), 32_767);
  const segment = Math.max(0, 24 - Math.clz32(magnitude | 1));
  const code = (segment << 4) | ((magnitude >> Math.max(4, segment + 3)) & 15);
  return (sample >= 0 ? code | 0x80 : code) ^ 0x55;
}

/** ITU-T G.711 table 2: sign, segment, four bits; all bits inverted. */
function muLaw(sample: number): number {
  const magnitude = Math.min(Math.abs(sample), 32_635) + 132;
  const segment = 24 - Math.clz32(magnitude);
  const code = (segment << 4) | ((magnitude >> (segment + 3)) & 15);
  return ~(sample >= 0 ? code : code | 0x80) & 0xff;
}
