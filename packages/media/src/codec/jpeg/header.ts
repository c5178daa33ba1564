import { writeU16 } from '@watchpost/base/bytes.ts';
import { typicalHuffmanTables } from './tables.ts';

/** What a picture's header says (RFC 2435 §3.1). */
export interface JpegHeaderFields {
  /** Pixels, 1…65 535. */
  readonly width: number;
  readonly height: number;
  /** 0: chrominance halved across (4:2:2); 1: halved both ways (4:2:0). */
  readonly sampling: 0 | 1;
  /** One table (luminance and chrominance share it) or more after each other, 64 or (16-bit precision) 128 bytes each. */
  readonly quantizers: Uint8Array;
  /** Bit i is set where table i has 16-bit values. */
  readonly precision: number;
  /** MCUs between restart markers; 0 for none. */
  readonly restartInterval: number;
}

/** Everything of a JFIF file before its entropy-coded data: SOI to the end of SOS (ITU-T T.81 §B.2). */
export function writeJpegHeader(fields: JpegHeaderFields): Uint8Array {
  const tables = splitQuantizers(fields);
  const out = new HeaderWriter();
  out.put(0xff, 0xd8);
  out.segment(0xe0, [0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
  for (const [i, { bytes, isWide }] of tables.entries()) out.segment(0xdb, [(isWide ? 0x10 : 0) | i, ...bytes]);
  if (fields.restartInterval > 0) out.segment(0xdd, [fields.restartInterval >> 8, fields.restartInterval & 255]);
  const chroma = tables.length > 1 ? 1 : 0;
  const size = [fields.height >> 8, fields.height & 255, fields.width >> 8, fields.width & 255];
  const luma = fields.sampling === 0 ? 0x21 : 0x22;
  const frame = [8, ...size, 3, 1, luma, 0, 2, 0x11, chroma, 3, 0x11, chroma];
  // Baseline allows 8-bit quantizers only: with wider ones it is extended sequential (T.81 table B.4).
  out.segment(tables.some(({ isWide }) => isWide) ? 0xc1 : 0xc0, frame);
  for (const table of typicalHuffmanTables) out.segment(0xc4, table);
  out.segment(0xda, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
  return out.finish();
}

/** The tables one by one, at most four; bytes that make no whole table are left out. */
export function splitQuantizers(fields: {
  readonly quantizers: Uint8Array;
  readonly precision: number;
}): { readonly bytes: Uint8Array; readonly isWide: boolean }[] {
  const tables: { bytes: Uint8Array; isWide: boolean }[] = [];
  for (let at = 0; tables.length < 4; ) {
    const isWide = ((fields.precision >> tables.length) & 1) === 1;
    const end = at + (isWide ? 128 : 64);
    if (end > fields.quantizers.length) break;
    tables.push({ bytes: fields.quantizers.subarray(at, end), isWide });
    at = end;
  }
  return tables;
}

class HeaderWriter {
  readonly #bytes = new Uint8Array(1400);
  #length = 0;

  put(...bytes: readonly number[]): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  segment(marker: number, body: ArrayLike<number>): void {
    this.put(0xff, marker);
    writeU16(this.#bytes, this.#length, body.length + 2);
    this.#bytes.set(body, this.#length + 2);
    this.#length += 2 + body.length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}
