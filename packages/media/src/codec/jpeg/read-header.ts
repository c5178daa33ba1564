import { equalBytes, readU16 } from '@watchpost/base/bytes.ts';
import { malformed } from '../malformed.ts';
import { typicalHuffmanTables } from './tables.ts';

const maxSegments = 256;

/** What the segments before the entropy-coded data of a JPEG picture say (ITU-T T.81 §B.2). */
export interface JpegHead {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Baseline with three components, chrominance not or once sampled: 0 for 4:2:2, 1 for 4:2:0; undefined for all else. */
  readonly sampling: 0 | 1 | undefined;
  /** Quantization tables in the order of the components that use them: luminance, then chrominance where it has its own. */
  readonly quantizers: readonly Uint8Array[];
  readonly restartInterval: number;
  /** All Huffman tables are those of §K.3. */
  readonly hasTypicalTables: boolean;
  /** First byte of entropy-coded data, and the byte after the last one. */
  readonly scanStart: number;
  readonly scanEnd: number;
}

interface Found {
  size: { width: number; height: number } | undefined;
  components: { sampling: number; table: number }[];
  isBaseline: boolean;
  tables: Map<number, Uint8Array>;
  restartInterval: number;
  hasTypicalTables: boolean;
}

/** Reads a JPEG picture up to its first scan. Throws `malformed`. */
export function readJpegHead(bytes: Uint8Array): JpegHead {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw malformed('JPEG_START', 'A JPEG picture begins with FF D8.');
  const found: Found = {
    ...{ size: undefined, components: [], isBaseline: false, tables: new Map() },
    ...{ restartInterval: 0, hasTypicalTables: true },
  };
  let at = 2;
  for (let segments = 0; segments < maxSegments; segments++) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    if (at + 4 > bytes.length || bytes[at] !== 0xff) break;
    const marker = bytes[at + 1]!;
    const end = at + 2 + readU16(bytes, at + 2);
    if (end < at + 4 || end > bytes.length) break;
    const body = bytes.subarray(at + 4, end);
    if (marker === 0xda) return toHead(found, bytes, end);
    readSegment(found, marker, body);
    at = end;
  }
  throw malformed('JPEG_SEGMENTS', 'A JPEG picture whose segments do not lead to a scan.');
}

function readSegment(found: Found, marker: number, body: Uint8Array): void {
  if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
    const count = body[5] ?? 0;
    if (body.length < 6 + count * 3 || count > 4) throw malformed('JPEG_FRAME', 'A JPEG frame header is too short.');
    found.isBaseline = marker === 0xc0 && body[0] === 8;
    found.size = { height: readU16(body, 1), width: readU16(body, 3) };
    found.components = Array.from({ length: count }, (_, i) => ({
      sampling: body[7 + i * 3]!,
      table: body[8 + i * 3]!,
    }));
  } else if (marker === 0xdb) {
    for (let at = 0; at < body.length; ) {
      const length = body[at]! >> 4 === 0 ? 64 : 128;
      if (at + 1 + length > body.length) throw malformed('JPEG_QUANTIZERS', 'A JPEG quantization table is too short.');
      found.tables.set(body[at]! & 15, body.subarray(at + 1, at + 1 + length));
      at += 1 + length;
    }
  } else if (marker === 0xdd && body.length >= 2) found.restartInterval = readU16(body, 0);
  else if (marker === 0xc4) found.hasTypicalTables &&= isTypical(body);
}

function isTypical(body: Uint8Array): boolean {
  for (let at = 0; at < body.length; ) {
    const table = typicalHuffmanTables.find((one) => one[0] === body[at]);
    if (table === undefined || !equalBytes(table, body.subarray(at, at + table.length))) return false;
    at += table.length;
  }
  return true;
}

function toHead(found: Found, bytes: Uint8Array, scanStart: number): JpegHead {
  const { size, components, tables } = found;
  if (size === undefined) throw malformed('JPEG_FRAME', 'A JPEG picture without a frame header.');
  let scanEnd = bytes.length;
  // Cameras pad with zeros after the end of image.
  while (scanEnd > scanStart && bytes[scanEnd - 1] === 0) scanEnd--;
  if (scanEnd - 2 >= scanStart && bytes[scanEnd - 2] === 0xff && bytes[scanEnd - 1] === 0xd9) scanEnd -= 2;
  else scanEnd = bytes.length;
  const [luma, ...chroma] = components;
  const isColour = found.isBaseline && chroma.length === 2 && chroma.every(({ sampling }) => sampling === 0x11);
  const sameTable = chroma[0]?.table === chroma[1]?.table;
  const sampling = luma?.sampling === 0x21 ? 0 : luma?.sampling === 0x22 ? 1 : undefined;
  const used = [tables.get(luma?.table ?? 0), tables.get(chroma[0]?.table ?? 0)];
  return {
    ...size,
    sampling: isColour && sameTable ? sampling : undefined,
    quantizers: used.filter((table) => table !== undefined),
    restartInterval: found.restartInterval,
    hasTypicalTables: found.hasTypicalTables,
    scanStart,
    scanEnd,
  };
}
