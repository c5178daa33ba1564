import { malformed } from '../../codec/malformed.ts';
import type { AmfObject, AmfValue, ReadAmf3 } from './amf0.ts';

const maxDepth = 16;
const maxValues = 4096;
const utf8 = new TextDecoder();

interface Traits {
  readonly keys: readonly string[];
  readonly isDynamic: boolean;
}

/**
 * Reads one AMF3 value (AMF3 §3) where AMF0 changes to it, at most 4096 values, 16 deep; byte arrays become their text in
 * hexadecimal digits of two, dates ms since 1970 UTC. Vectors, dictionaries and externalizable objects are refused.
 */
export const readAmf3: ReadAmf3 = (bytes, at, depth) => {
  const reader = new Amf3Reader(bytes, at);
  return { value: reader.value(depth), end: reader.at };
};

class Amf3Reader {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #texts: string[] = [];
  readonly #objects: AmfValue[] = [];
  readonly #traits: Traits[] = [];
  #values = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  /** The value at `at`, which moves behind it. */
  value(depth: number): AmfValue {
    if (depth > maxDepth) throw malformed('AMF3_DEPTH', `AMF3 nested deeper than ${maxDepth}.`);
    if (++this.#values > maxValues) throw malformed('AMF3_VALUES', `More than ${maxValues} AMF3 values.`);
    const marker = this.#bytes[this.#take(1)]!;
    switch (marker) {
      case 0:
        return undefined;
      case 1:
        return null;
      case 2:
        return false;
      case 3:
        return true;
      case 4:
        // 29 bits, signed (§3.6).
        return (this.#u29() << 3) >> 3;
      case 5:
        return this.#view.getFloat64(this.#take(8));
      case 6:
        return this.#text();
      case 7:
      case 11:
      case 12:
        return this.#bytesAsText(marker === 12);
      case 8:
        return this.#date();
      case 9:
        return this.#array(depth);
      case 10:
        return this.#object(depth);
      default:
        throw malformed('AMF3_MARKER', `AMF3 type ${marker} is not read here.`, { at: this.at - 1 });
    }
  }

  /** Seven bits a byte, eight in the fourth (§1.3.1). */
  #u29(): number {
    let value = 0;
    for (let i = 0; i < 3; i++) {
      const byte = this.#bytes[this.#take(1)]!;
      value = (value << 7) | (byte & 0x7f);
      if (byte < 0x80) return value;
    }
    return (value << 8) | this.#bytes[this.#take(1)]!;
  }

  #text(): string {
    const head = this.#u29();
    if ((head & 1) === 0) return this.#refer(this.#texts, head >> 1);
    const start = this.#take(head >> 1);
    const text = utf8.decode(this.#bytes.subarray(start, start + (head >> 1)));
    // The empty string is never referred to (§3.8).
    if (text !== '') this.#texts.push(text);
    return text;
  }

  #bytesAsText(isBinary: boolean): AmfValue {
    const head = this.#u29();
    if ((head & 1) === 0) return this.#refer(this.#objects, head >> 1);
    const start = this.#take(head >> 1);
    const content = this.#bytes.subarray(start, start + (head >> 1));
    const text = isBinary
      ? Array.from(content, (byte) => byte.toString(16).padStart(2, '0')).join('')
      : utf8.decode(content);
    this.#objects.push(text);
    return text;
  }

  #date(): AmfValue {
    const head = this.#u29();
    if ((head & 1) === 0) return this.#refer(this.#objects, head >> 1);
    const ms = this.#view.getFloat64(this.#take(8));
    this.#objects.push(ms);
    return ms;
  }

  #array(depth: number): AmfValue {
    const head = this.#u29();
    if ((head & 1) === 0) return this.#refer(this.#objects, head >> 1);
    const count = head >> 1;
    if (count > maxValues) throw malformed('AMF3_VALUES', `More than ${maxValues} AMF3 values.`);
    const place = this.#objects.push(undefined) - 1;
    const named: Record<string, AmfValue> = {};
    for (let key = this.#text(); key !== ''; key = this.#text()) put(named, key, this.value(depth + 1));
    const list: AmfValue[] = [];
    for (let i = 0; i < count; i++) list.push(this.value(depth + 1));
    const value = Object.keys(named).length === 0 ? list : { ...named, ...Object.fromEntries(list.entries()) };
    this.#objects[place] = value;
    return value;
  }

  #object(depth: number): AmfValue {
    const head = this.#u29();
    if ((head & 1) === 0) return this.#refer(this.#objects, head >> 1);
    const traits = this.#readTraits(head);
    const object: Record<string, AmfValue> = {};
    const place = this.#objects.push(undefined) - 1;
    for (const key of traits.keys) put(object, key, this.value(depth + 1));
    if (traits.isDynamic)
      for (let key = this.#text(); key !== ''; key = this.#text()) put(object, key, this.value(depth + 1));
    this.#objects[place] = object as AmfObject;
    return object;
  }

  #readTraits(head: number): Traits {
    if ((head & 2) === 0) return this.#refer(this.#traits, head >> 2);
    if ((head & 4) !== 0) throw malformed('AMF3_EXTERNALIZABLE', 'AMF3 objects with a form of their own are not read.');
    const count = head >> 4;
    if (count > maxValues) throw malformed('AMF3_VALUES', `More than ${maxValues} AMF3 values.`);
    this.#text();
    const keys: string[] = [];
    for (let i = 0; i < count; i++) keys.push(this.#text());
    const traits = { keys, isDynamic: (head & 8) !== 0 };
    this.#traits.push(traits);
    return traits;
  }

  #refer<T>(table: readonly T[], index: number): T {
    if (index >= table.length) throw malformed('AMF3_REFERENCE', 'AMF3 refers to what was not there.');
    return table[index]!;
  }

  #take(length: number): number {
    const start = this.at;
    if (start + length > this.#bytes.length) throw malformed('AMF3_CUT', 'AMF3 ends in the middle of a value.');
    this.at = start + length;
    return start;
  }
}

function put(object: Record<string, AmfValue>, key: string, value: AmfValue): void {
  if (key !== '__proto__') object[key] = value;
}
