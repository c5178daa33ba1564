import { emptyBytes, readU24, readU32 } from '@watchpost/base/bytes.ts';
import { malformed } from '../codec/malformed.ts';
import { defaultChunkBytes, extendedFromMs } from './codes.ts';

/** One whole message; its body is memory of its own, or of the chunk that `allocate` gave. */
export type OnMessage = (message: RtmpMessage) => void;

/** A message as its header tells it. The object is used again for the next one: take what is kept out of it. */
export interface RtmpMessage {
  readonly type: number;
  /** 0…2^32-1 ms. */
  readonly timestampMs: number;
  readonly streamId: number;
  readonly body: Uint8Array;
}

/** How chunks are read. */
export interface ChunkReaderOptions {
  readonly onMessage: OnMessage;
  /** Memory for a body of so many bytes, all of which is written to. */
  readonly allocate?: (bytes: number) => Uint8Array;
  /** Longest message. */
  readonly maxMessageBytes: number;
}

/** What is known of one chunk stream (§5.3). */
class ChunkStream implements RtmpMessage {
  type = 0;
  timestampMs = 0;
  streamId = 0;
  body: Uint8Array = emptyBytes;
  length = 0;
  delta = 0;
  /** What stood in the extended field; -1 where there was none. */
  extended = -1;
  filled = 0;
  isOpen = false;
}

const maxChunkStreams = 64;
/** Chunk streams with the shortest basic header. */
const nearStreams = 64;
/** Basic header, message header, extended timestamp. */
const maxHeadBytes = 3 + 11 + 4;
/** By format: bytes of the message header (§5.3.1.2). */
const headBytesOf: readonly number[] = [11, 7, 3, 0];
/**
 * "Type 3 after type 0 adds the timestamp again" (§5.3.1.2.4) makes sense where a stream begins, and FFmpeg counts on it
 * there; GStreamer means "the same time" with it, anywhere.
 */
const repeatedBelowMs = 1000;

/**
 * Reads chunks as they come, in pieces of any size (RTMP 1.0 §5.3), of any number of interleaved messages; each body is
 * copied once. Throws `malformed` for what cannot be: nothing can be read from there on.
 */
export class ChunkReader {
  /** Messages given up because the next one began before they ended. */
  interrupted = 0;
  maxMessageBytes: number;
  readonly #onMessage: OnMessage;
  readonly #allocate: (bytes: number) => Uint8Array;
  readonly #near: (ChunkStream | undefined)[] = new Array(nearStreams).fill(undefined);
  readonly #far = new Map<number, ChunkStream>();
  readonly #head = new Uint8Array(maxHeadBytes);
  #streams = 0;
  #headBytes = 0;
  #chunkBytes = defaultChunkBytes;
  #current: ChunkStream | undefined;
  /** Of the chunk under way. */
  #left = 0;
  /** Of bodies that are not whole yet. */
  #openBytes = 0;

  constructor(options: ChunkReaderOptions) {
    this.#onMessage = options.onMessage;
    this.#allocate = options.allocate ?? ((bytes) => new Uint8Array(bytes));
    this.maxMessageBytes = options.maxMessageBytes;
  }

  /** The other side's chunk size from now on (§5.4.1); throws `malformed` for 0. */
  setChunkSize(bytes: number): void {
    if (bytes < 1 || bytes > 0x7fff_ffff) throw malformed('RTMP_CHUNK_SIZE', `A chunk size of ${bytes} cannot be.`);
    this.#chunkBytes = bytes;
  }

  /** Gives up the message under way on a chunk stream (§5.4.2). */
  abort(id: number): void {
    const stream = this.#known(id);
    if (stream !== undefined) this.#drop(stream);
  }

  /** Takes `bytes[start…end)`. */
  receive(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#left > 0) at = this.#readBody(bytes, at, end);
      else if (this.#headBytes > 0) at = this.#readStoredHead(bytes, at, end);
      else {
        const used = this.#readHead(bytes, at, end);
        if (used === 0) {
          this.#head.set(bytes.subarray(at, end));
          this.#headBytes = end - at;
          return;
        }
        at += used;
      }
    }
  }

  /** Goes on with a header that was cut off. */
  #readStoredHead(bytes: Uint8Array, at: number, end: number): number {
    const stored = this.#headBytes;
    const take = Math.min(maxHeadBytes - stored, end - at);
    this.#head.set(bytes.subarray(at, at + take), stored);
    this.#headBytes += take;
    const used = this.#readHead(this.#head, 0, this.#headBytes);
    if (used === 0) return at + take;
    this.#headBytes = 0;
    // What might have been the start of an extended timestamp (§5.3.1.3) is media.
    this.receive(this.#head, used, stored);
    return at + Math.max(used - stored, 0);
  }

  #readBody(bytes: Uint8Array, at: number, end: number): number {
    const stream = this.#current!;
    const take = Math.min(this.#left, end - at);
    stream.body.set(at === 0 && take === bytes.length ? bytes : bytes.subarray(at, at + take), stream.filled);
    stream.filled += take;
    this.#left -= take;
    if (stream.filled === stream.length) this.#finish(stream);
    return at + take;
  }

  #finish(stream: ChunkStream): void {
    stream.isOpen = false;
    this.#openBytes -= stream.length;
    this.#onMessage(stream);
    stream.body = emptyBytes;
  }

  /** Returns the bytes of a header, or 0 where it is cut off; changes nothing then. */
  #readHead(bytes: Uint8Array, at: number, end: number): number {
    const first = bytes[at]!;
    const format = first >> 6;
    const low = first & 63;
    const basicBytes = low === 0 ? 2 : low === 1 ? 3 : 1;
    const headBytes = basicBytes + headBytesOf[format]!;
    if (at + headBytes > end) return 0;
    const id = low > 1 ? low : 64 + bytes[at + 1]! + (low === 1 ? bytes[at + 2]! * 256 : 0);
    const fieldAt = at + basicBytes;
    const known = this.#known(id);
    if (format === 3) {
      if (known === undefined) throw malformed('RTMP_CHUNK', 'A chunk goes on with nothing.');
      return this.#goOn(known, { bytes, at: at + headBytes, end, headBytes });
    }
    const field = readU24(bytes, fieldAt);
    const isExtended = field === extendedFromMs;
    if (isExtended && at + headBytes + 4 > end) return 0;
    const stream = known ?? this.#open(id);
    this.#drop(stream);
    stream.extended = isExtended ? readU32(bytes, at + headBytes) : -1;
    const time = isExtended ? stream.extended : field;
    if (format === 0) stream.streamId = readLittle32(bytes, fieldAt + 7);
    if (format < 2) {
      stream.length = readU24(bytes, fieldAt + 3);
      stream.type = bytes[fieldAt + 6]!;
    }
    stream.timestampMs = format === 0 ? time : (stream.timestampMs + time) >>> 0;
    stream.delta = format === 0 && time >= repeatedBelowMs ? 0 : time;
    this.#begin(stream);
    return headBytes + (isExtended ? 4 : 0);
  }

  /** Type 3 (§5.3.1.2.4): more of a message, or another one like the last. */
  #goOn(stream: ChunkStream, place: { bytes: Uint8Array; at: number; end: number; headBytes: number }): number {
    let { headBytes } = place;
    if (stream.extended >= 0) {
      if (place.at + 4 > place.end) return 0;
      // §5.3.1.3 repeats the field here; old librtmp and some cameras do not.
      const field = readU32(place.bytes, place.at);
      if (field === stream.extended || field === stream.timestampMs) headBytes += 4;
    }
    if (stream.isOpen) this.#expect(stream);
    else {
      stream.timestampMs = (stream.timestampMs + stream.delta) >>> 0;
      this.#begin(stream);
    }
    return headBytes;
  }

  #begin(stream: ChunkStream): void {
    const { length } = stream;
    if (length > this.maxMessageBytes || this.#openBytes + length > 2 * this.maxMessageBytes) {
      throw malformed('RTMP_MESSAGE_TOO_LARGE', `An RTMP message of ${length} bytes is too large.`);
    }
    stream.filled = 0;
    if (length === 0) {
      this.#finish(stream);
      return;
    }
    stream.body = this.#allocate(length);
    stream.isOpen = true;
    this.#openBytes += length;
    this.#expect(stream);
  }

  #expect(stream: ChunkStream): void {
    this.#current = stream;
    this.#left = Math.min(this.#chunkBytes, stream.length - stream.filled);
  }

  #drop(stream: ChunkStream): void {
    if (!stream.isOpen) return;
    stream.isOpen = false;
    stream.body = emptyBytes;
    this.#openBytes -= stream.length;
    this.interrupted++;
  }

  #known(id: number): ChunkStream | undefined {
    return id < nearStreams ? this.#near[id] : this.#far.get(id);
  }

  #open(id: number): ChunkStream {
    if (++this.#streams > maxChunkStreams) throw malformed('RTMP_CHUNK_STREAMS', 'Too many chunk streams.');
    const stream = new ChunkStream();
    if (id < nearStreams) this.#near[id] = stream;
    else this.#far.set(id, stream);
    return stream;
  }
}

function readLittle32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
