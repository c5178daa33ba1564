import { fromHex } from '@watchpost/base/bytes.ts';

/** Quantizers for quality 50 in zigzag order, first for luminance, then for chrominance (RFC 2435 appendix A; ITU-T T.81 tables K.1, K.2). */
const baseQuantizers: readonly Uint8Array[] = [
  fromHex(
    '100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933' +
      '38374048 5c4e4044 57453738 506d5157 5f626768 673e4d71 79706478 5c656763',
  ),
  fromHex(
    '1112121815182f1a1a2f634238426363636363636363636363636363636363 63' +
      '6363636363636363636363636363636363636363636363636363636363636363',
  ),
];

/** The two quantization tables of a quality 1…99, 64 bytes each in zigzag order (RFC 2435 §4.2, appendix A). */
export function quantizersOf(quality: number): Uint8Array {
  const q = Math.min(99, Math.max(1, quality));
  const scale = q < 50 ? Math.floor(5000 / q) : 200 - q * 2;
  const tables = new Uint8Array(128);
  for (let i = 0; i < 128; i++) {
    const base = baseQuantizers[i >> 6]![i & 63]!;
    tables[i] = Math.min(255, Math.max(1, Math.floor((base * scale + 50) / 100)));
  }
  return tables;
}

/** A Huffman table: class and destination, how many codes there are of each length, their values (ITU-T T.81 §B.2.4.2). */
function huffman(id: number, counts: string, values: string): Uint8Array {
  return fromHex(id.toString(16).padStart(2, '0') + counts + values);
}

const acLuminance =
  '01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a' +
  '434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aa' +
  'b2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa';
const acChrominance =
  '0001020311040521310612415107617113223281081442 91a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a' +
  '434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aa' +
  'b2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa';

/** The typical Huffman tables (ITU-T T.81 §K.3), the only ones that JPEG over RTP may use (RFC 2435 §3.1). */
export const typicalHuffmanTables: readonly Uint8Array[] = [
  huffman(0x00, '00010501010101010100000000000000', '000102030405060708090a0b'),
  huffman(0x10, '0002010303020403050504040000017d', acLuminance),
  huffman(0x01, '00030101010101010101010000000000', '000102030405060708090a0b'),
  huffman(0x11, '00020102040403040705040400010277', acChrominance),
];
