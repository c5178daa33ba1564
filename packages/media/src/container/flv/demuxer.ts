import { readU24, readU32 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { malformed } from '../../codec/malformed.ts';
import { flvTagType, tagHeadBytes, tagTailBytes } from './codes.ts';
import { type FlvSink, FlvTagReader } from './tag-reader.ts';

/** Largest tag that is read. */
export const maxTagBytes = 8 * 1024 * 1024;

const fileHeadBytes = 9;
/** DataOffset is 9 in all files of version 1; what is larger is passed over. */
const maxDataOffset = 1024;

/** What is being filled, in the order in which it comes. */
type Part = 'file' | 'skip' | 'head' | 'body' | 'tail';

/**
 * Reads FLV as it comes, in pieces of any size (Adobe FLV v10.1 §E.2–E.4): each body is copied once, into memory of its
 * own. A body that cannot be read is counted, and the next tag goes on.
 */
export class FlvDemuxer {
  /** Bodies that could not be read. */
  malformed = 0;
  readonly #reader: FlvTagReader;
  readonly #head = new Uint8Array(tagHeadBytes);
  #part: Part = 'file';
  #into: Uint8Array = this.#head;
  #filled = 0;
  #needed = fileHeadBytes;

  constructor(sink: FlvSink) {
    this.#reader = new FlvTagReader(sink);
  }

  /** Frames passed over; see `FlvTagReader`. */
  get skipped(): number {
    return this.#reader.skipped;
  }

  /** Takes the next bytes. Throws `malformed` where no tag can be: nothing can be read from there on. */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const take = Math.min(this.#needed - this.#filled, bytes.length - at);
      if (this.#part !== 'skip' && this.#part !== 'tail') {
        this.#into.set(bytes.subarray(at, at + take), this.#filled);
      }
      this.#filled += take;
      at += take;
      if (this.#filled === this.#needed) this.#complete();
    }
  }

  #complete(): void {
    if (this.#part === 'file') this.#readFileHead();
    else if (this.#part === 'head') this.#readTagHead();
    else if (this.#part === 'body') this.#readBody();
    else this.#expect('head', tagHeadBytes);
  }

  #expect(part: Part, needed: number): void {
    this.#part = part;
    this.#needed = needed;
    this.#filled = 0;
    if (part === 'head') this.#into = this.#head;
  }

  #readFileHead(): void {
    const head = this.#head;
    if (head[0] !== 0x46 || head[1] !== 0x4c || head[2] !== 0x56) {
      throw malformed('FLV_SIGNATURE', 'This is not FLV: it does not begin with "FLV".');
    }
    const dataOffset = readU32(head, 5);
    if (dataOffset < fileHeadBytes || dataOffset > maxDataOffset) {
      throw malformed('FLV_HEADER', `An FLV header of ${dataOffset} bytes cannot be.`);
    }
    this.#expect('skip', dataOffset - fileHeadBytes + tagTailBytes);
  }

  #readTagHead(): void {
    const head = this.#head;
    const tagType = head[0]! & 31;
    const length = readU24(head, 1);
    // StreamID is always 0 (§E.4.1): another number means that the place is wrong.
    if ((tagType !== 8 && tagType !== 9 && tagType !== flvTagType.script) || readU24(head, 8) !== 0) {
      throw malformed('FLV_TAG', `No FLV tag begins like this (type ${tagType}); the stream is damaged.`);
    }
    if (length > maxTagBytes) throw malformed('FLV_TAG_TOO_LARGE', `An FLV tag of ${length} bytes is too large.`);
    if (length === 0) {
      this.#expect('tail', tagTailBytes);
      return;
    }
    this.#expect('body', length);
    this.#into = new Uint8Array(length);
  }

  #readBody(): void {
    const head = this.#head;
    const timestampMs = ((head[7]! << 24) | readU24(head, 4)) >>> 0;
    const body = this.#into;
    this.#expect('tail', tagTailBytes);
    // Filter bit: encrypted (§E.4.1).
    if ((head[0]! & 0x20) !== 0) {
      this.malformed++;
      return;
    }
    try {
      this.#reader.read(head[0]! & 31, timestampMs, body);
    } catch (thrown) {
      if (!(thrown instanceof WatchpostError) || thrown.kind !== 'malformed') throw thrown;
      this.malformed++;
    }
  }
}
