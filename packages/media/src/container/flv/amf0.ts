import { concatBytes, readU16, readU32, writeU16, writeU32 } from '@watchpost/base/bytes.ts';
import { malformed } from '../../codec/malformed.ts';

/** A value of AMF0; dates are ms since 1970 UTC. */
export type AmfValue = number | boolean | string | null | undefined | AmfObject | readonly AmfValue[];

/** An object or ECMA array of AMF0. */
export interface AmfObject {
  readonly [key: string]: AmfValue;
}

/** Reads the AMF3 value at `at` of AMF0 values `depth` deep; `end` is the place behind it. Throws `malformed`. */
export type ReadAmf3 = (
  bytes: Uint8Array,
  at: number,
  depth: number,
) => { readonly value: AmfValue; readonly end: number };

const maxDepth = 16;
const maxValues = 4096;
const utf8 = new TextDecoder();
const toUtf8 = new TextEncoder();
const objectEnd = 9;

/** Writes one value (AMF0 §2): arrays as strict arrays, objects as anonymous objects. */
export function writeAmf0(value: AmfValue): Uint8Array {
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value === 'boolean') return Uint8Array.of(1, Number(value));
  if (typeof value === 'string') return writeText(value);
  if (value === null) return Uint8Array.of(5);
  if (value === undefined) return Uint8Array.of(6);
  if (Array.isArray(value)) return concatBytes([countedHead(10, value.length), ...value.map(writeAmf0)]);
  return concatBytes([Uint8Array.of(3), writeEntries(value as AmfObject)]);
}

/** Writes an object as an ECMA array (AMF0 §2.10), as `onMetaData` has it. */
export function writeEcmaArray(value: AmfObject): Uint8Array {
  return concatBytes([countedHead(8, Object.keys(value).length), writeEntries(value)]);
}

/**
 * The values from `at` to the end, at most 4096 with all they hold, 16 deep; AMF3 among them (§3.1) is for `readAmf3`.
 * Throws `malformed`, for AMF3 without it, too.
 */
export function readAmf0(bytes: Uint8Array, at = 0, readAmf3?: ReadAmf3): AmfValue[] {
  const reader = new AmfReader(bytes, at, readAmf3);
  const values: AmfValue[] = [];
  while (!reader.atEnd) values.push(reader.value(0));
  return values;
}

function writeNumber(value: number): Uint8Array {
  const bytes = new Uint8Array(9);
  new DataView(bytes.buffer).setFloat64(1, value);
  return bytes;
}

function writeText(text: string): Uint8Array {
  const content = toUtf8.encode(text);
  const isLong = content.length > 0xffff;
  const bytes = new Uint8Array((isLong ? 5 : 3) + content.length);
  bytes[0] = isLong ? 12 : 2;
  if (isLong) writeU32(bytes, 1, content.length);
  else writeU16(bytes, 1, content.length);
  bytes.set(content, isLong ? 5 : 3);
  return bytes;
}

function countedHead(marker: number, count: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = marker;
  writeU32(bytes, 1, count);
  return bytes;
}

function writeEntries(value: AmfObject): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [key, entry] of Object.entries(value)) parts.push(writeText(key).subarray(1), writeAmf0(entry));
  parts.push(Uint8Array.of(0, 0, objectEnd));
  return concatBytes(parts);
}

class AmfReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #readAmf3: ReadAmf3 | undefined;
  #at: number;
  #values = 0;

  constructor(bytes: Uint8Array, at: number, readAmf3: ReadAmf3 | undefined) {
    this.#bytes = bytes;
    this.#readAmf3 = readAmf3;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  value(depth: number): AmfValue {
    if (depth > maxDepth) throw malformed('AMF0_DEPTH', `AMF0 nested deeper than ${maxDepth}.`);
    if (++this.#values > maxValues) throw malformed('AMF0_VALUES', `More than ${maxValues} AMF0 values.`);
    const marker = this.#bytes[this.#take(1)]!;
    switch (marker) {
      case 0:
        return this.#view.getFloat64(this.#take(8));
      case 1:
        return this.#bytes[this.#take(1)] !== 0;
      case 2:
        return this.#text(readU16(this.#bytes, this.#take(2)));
      case 3:
        return this.#entries(depth);
      case 5:
        return null;
      case 6:
      case 13:
        return undefined;
      case 8:
        // The count is advice only (AMF0 §2.10): the end marker counts.
        this.#take(4);
        return this.#entries(depth);
      case 10:
        return this.#list(depth);
      case 11: {
        const ms = this.#view.getFloat64(this.#take(8));
        this.#take(2);
        return ms;
      }
      case 12:
      case 15:
        return this.#text(readU32(this.#bytes, this.#take(4)));
      case 16:
        this.#text(readU16(this.#bytes, this.#take(2)));
        return this.#entries(depth);
      default:
        return this.#other(marker, depth);
    }
  }

  #other(marker: number, depth: number): AmfValue {
    const found = marker === 17 ? this.#readAmf3?.(this.#bytes, this.#at, depth) : undefined;
    if (found === undefined) throw malformed('AMF0_MARKER', `AMF0 type ${marker} is not known.`, { at: this.#at - 1 });
    this.#at = found.end;
    return found.value;
  }

  #entries(depth: number): AmfObject {
    const object: Record<string, AmfValue> = {};
    // Some encoders end the last array without its marker: the end of the bytes ends it too.
    while (!this.atEnd) {
      const key = this.#text(readU16(this.#bytes, this.#take(2)));
      if (key === '' && this.#bytes[this.#at] === objectEnd) {
        this.#at++;
        break;
      }
      const value = this.value(depth + 1);
      if (key !== '__proto__') object[key] = value;
    }
    return object;
  }

  #list(depth: number): AmfValue[] {
    const count = readU32(this.#bytes, this.#take(4));
    if (count > maxValues) throw malformed('AMF0_VALUES', `More than ${maxValues} AMF0 values.`);
    const list: AmfValue[] = [];
    for (let i = 0; i < count; i++) list.push(this.value(depth + 1));
    return list;
  }

  #text(length: number): string {
    const start = this.#take(length);
    return utf8.decode(this.#bytes.subarray(start, start + length));
  }

  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) throw malformed('AMF0_CUT', 'AMF0 ends in the middle of a value.');
    this.#at = start + length;
    return start;
  }
}
