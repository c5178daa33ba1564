import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { parseRtspMessage, type RtspRequest, type RtspResponse } from './message.ts';

/** What an `RtspFramer` calls. None of these may call `receive` again. */
export interface RtspFramerHandler {
  /**
   * One interleaved frame (RFC 2326 §10.12) without its four bytes: `chunk[start…end)`. The chunk is shared with other
   * frames and never written again there, so it may be kept.
   */
  onInterleaved(channel: number, chunk: Uint8Array, start: number, end: number): void;
  onRequest(request: RtspRequest): void;
  onResponse(response: RtspResponse): void;
  /** Bytes that were passed over since the last whole frame or message. */
  onGarbage(bytes: number): void;
  /** Where a message was due, one began that cannot be read; its bytes are passed over as garbage. */
  onMalformed?(error: WatchpostError): void;
}

/** Copies `from[start…end)` to `target[at…)`; five plain parameters, as this runs for each read. */
export type CopyBytes = (from: Uint8Array, start: number, end: number, target: Uint8Array, at: number) => void;

/** Where an `RtspFramer` keeps bytes. */
export interface RtspFramerMemory {
  /** A chunk of so many bytes; `new Uint8Array` if missing. */
  readonly allocate?: ((bytes: number) => Uint8Array) | undefined;
  /** Where there is a way that makes no view for each call. */
  readonly copy?: CopyBytes | undefined;
}

/** What a channel carries; frames on channels of no kind are garbage. */
export type ChannelKind = 'rtp' | 'rtcp';

const dollar = 0x24;
const rtpKind = 1;
const rtcpKind = 2;
const noMatch = 0;
const maybe = 1;
const match = 2;
const firstSlabBytes = 2048;
const minSlabBytes = 16 * 1024;
const maxSlabBytes = 128 * 1024;
/** A connection that has had this much garbage in a row is no RTSP. */
const maxGarbageBytes = 1024 * 1024;
/** Nor has one with so many beginnings of messages in a row that cannot be read: each costs a look at up to 64 KB behind it. */
const maxUnreadable = 16;
/** A slab lasts about this part of a second, so that one kept packet does not pin much that nobody needs. */
const slabsPerSecond = 8;

const responseStart = [...'RTSP/'].map((c) => c.charCodeAt(0));
const requestStarts = [
  'OPTIONS ',
  'DESCRIBE ',
  'ANNOUNCE ',
  'SETUP ',
  'PLAY ',
  'PAUSE ',
  'RECORD ',
  'TEARDOWN ',
  'GET_PARAMETER ',
  'SET_PARAMETER ',
  'REDIRECT ',
].map((method) => [...method].map((c) => c.charCodeAt(0)));

/**
 * Takes an RTSP connection apart: requests, responses and interleaved frames. Bytes are copied once, into slabs that
 * many frames share; no object is made for a frame. After garbage (cameras that drop the tail of a frame when their
 * socket is full; Canon VB-H47 with garbage between frames) it goes on at the next plausible frame or message.
 */
export class RtspFramer {
  readonly #handler: RtspFramerHandler;
  readonly #allocate: (bytes: number) => Uint8Array;
  readonly #copy: CopyBytes;
  readonly #kinds = new Uint8Array(256);
  /** SSRC last seen on each channel, -1 for none: tells a frame from garbage that looks like one. */
  readonly #ssrcs = new Float64Array(256).fill(-1);
  #slab: Uint8Array;
  #slabBytes = minSlabBytes;
  #bytesPerSecond = 0;
  /** First byte that is not yet parsed. */
  #read = 0;
  /** Byte after the last one received. */
  #write = 0;
  /** Bytes from `#read` on that must be there before parsing makes sense again. */
  #need = 1;
  #handedOut = false;
  #inSync = true;
  #skipped = 0;
  #unreadable = 0;
  #closed = false;
  #garbageBytes = 0;

  constructor(handler: RtspFramerHandler, memory: RtspFramerMemory = {}) {
    this.#handler = handler;
    this.#allocate = memory.allocate ?? ((bytes) => new Uint8Array(bytes));
    this.#copy = memory.copy ?? copyView;
    this.#slab = this.#allocate(firstSlabBytes);
  }

  /** Bytes passed over since the connection began. */
  get garbageBytes(): number {
    return this.#garbageBytes + this.#skipped;
  }

  /** Announces a channel that a SETUP agreed on. */
  setChannel(channel: number, kind: ChannelKind): void {
    this.#kinds[channel & 255] = kind === 'rtp' ? rtpKind : rtcpKind;
  }

  /** Fits the slabs to a bitrate; call it every second or so. */
  adapt(bytesPerSecond: number): void {
    // Smoothed over some GOPs: a key picture makes one second in two or four look twice as heavy.
    this.#bytesPerSecond += (bytesPerSecond - this.#bytesPerSecond) / 8;
    let bytes = this.#slabBytes;
    while (bytes < maxSlabBytes && bytes * slabsPerSecond < this.#bytesPerSecond) bytes *= 2;
    // Not back at the first lull: chunks of another size than before cannot be used again.
    while (bytes > minSlabBytes && bytes * slabsPerSecond > this.#bytesPerSecond * 4) bytes /= 2;
    this.#slabBytes = bytes;
  }

  /** Nothing is parsed or handed out any more. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Takes `chunk[start…end)`, which the caller may overwrite afterwards. Throws `malformed` (`RTSP_GARBAGE`) once a
   * connection carries nothing but garbage; close it then.
   */
  receive(chunk: Uint8Array, start: number, end: number): void {
    while (start < end && !this.#closed) {
      const space = this.#slab.length - this.#write;
      const count = Math.min(space, end - start);
      this.#copy(chunk, start, start + count, this.#slab, this.#write);
      this.#write += count;
      start += count;
      if (this.#write - this.#read >= this.#need) this.#parse();
      // What is left is of no use, and may be more than a new slab holds.
      if (this.#closed) return;
      if (this.#read === this.#write && !this.#handedOut) {
        this.#read = 0;
        this.#write = 0;
      } else if (this.#write === this.#slab.length) this.#nextSlab();
    }
  }

  #nextSlab(): void {
    const tailBytes = this.#write - this.#read;
    const grown = this.#need > tailBytes ? Math.max(this.#need, tailBytes * 2) : this.#need;
    const slab = this.#allocate(Math.max(this.#slabBytes, grown));
    if (tailBytes > 0) slab.set(this.#slab.subarray(this.#read, this.#write));
    this.#slab = slab;
    this.#read = 0;
    this.#write = tailBytes;
    this.#handedOut = false;
  }

  #parse(): void {
    const slab = this.#slab;
    while (this.#read < this.#write && !this.#closed) {
      const at = this.#read;
      const first = slab[at]!;
      this.#need = 1;
      if (first === dollar) {
        if (!this.#parseFrame(at)) return;
      } else if (first === 13 || first === 10) {
        // Some servers end a message with one empty line too many.
        if (this.#inSync) this.#read = at + 1;
        else this.#skip(at + 1);
      } else {
        const start = this.#messageStart(at);
        if (start === noMatch) this.#skip(at + 1);
        else if (start === maybe) {
          this.#need = this.#write - at + 1;
          return;
        } else if (!this.#parseMessage(at)) return;
      }
    }
  }

  /** False while bytes are missing. */
  #parseFrame(at: number): boolean {
    const slab = this.#slab;
    const available = this.#write - at;
    if (available < 4) return this.#wait(4);
    const channel = slab[at + 1]!;
    const kind = this.#kinds[channel]!;
    const length = (slab[at + 2]! << 8) | slab[at + 3]!;
    const whole = 4 + length;
    if (kind === 0 || length < (kind === rtpKind ? 12 : 4)) return this.#skip(at + 1);
    if (available < 16 && available < whole) return this.#wait(Math.min(16, whole));
    if (slab[at + 4]! >> 6 !== 2) return this.#skip(at + 1);
    if (available < whole) return this.#wait(whole);
    const ssrc = kind === rtpKind ? readSsrc(slab, at + 12) : -1;
    const next = at + whole;
    if (!this.#inSync && kind === rtpKind && ssrc !== this.#ssrcs[channel] && this.#ssrcs[channel] !== -1) {
      // After garbage another SSRC may be chance: the frame counts only if something plausible follows it.
      if (next >= this.#write) return this.#wait(whole + 1);
      if (this.#startsAt(next) === noMatch) return this.#skip(at + 1);
    }
    if (next < this.#write && this.#startsAt(next) === noMatch) {
      const cut = this.#cutFrame(at, next);
      if (cut >= 0) return this.#skip(cut);
    }
    if (kind === rtpKind) this.#ssrcs[channel] = ssrc;
    this.#read = next;
    this.#synchronized();
    this.#handedOut = true;
    this.#handler.onInterleaved(channel, slab, at + 4, next);
    return true;
  }

  /**
   * A frame with nothing plausible behind it may have lost its tail: then the next frame begins inside it, with an
   * SSRC that is known. Returns where, or -1.
   */
  #cutFrame(at: number, next: number): number {
    const slab = this.#slab;
    for (
      let inner = slab.indexOf(dollar, at + 4);
      inner >= 0 && inner < next;
      inner = slab.indexOf(dollar, inner + 1)
    ) {
      if (inner + 16 > this.#write) return -1;
      const channel = slab[inner + 1]!;
      const known = this.#ssrcs[channel]!;
      if (this.#kinds[channel] !== rtpKind || slab[inner + 4]! >> 6 !== 2) continue;
      if (known !== -1 && readSsrc(slab, inner + 12) === known) return inner;
    }
    return -1;
  }

  #parseMessage(at: number): boolean {
    let parsed: ReturnType<typeof parseRtspMessage>;
    try {
      parsed = parseRtspMessage(this.#slab, at, this.#write);
    } catch (thrown) {
      if (this.#inSync) this.#handler.onMalformed?.(toWatchpostError(thrown));
      this.#unreadable++;
      return this.#skip(at + 1);
    }
    if (typeof parsed === 'number') return this.#wait(this.#write - at + parsed);
    this.#read = parsed.end;
    this.#synchronized();
    if (parsed.request) this.#handler.onRequest(parsed.request);
    else this.#handler.onResponse(parsed.response);
    return true;
  }

  /** Whether a frame or message begins at `at`, as far as the bytes there tell. */
  #startsAt(at: number): number {
    const slab = this.#slab;
    const first = slab[at]!;
    if (first === 13 || first === 10) return maybe;
    if (first !== dollar) return this.#messageStart(at);
    if (at + 1 >= this.#write) return maybe;
    const kind = this.#kinds[slab[at + 1]!]!;
    if (kind === 0) return noMatch;
    if (at + 4 >= this.#write) return maybe;
    return slab[at + 4]! >> 6 === 2 ? match : noMatch;
  }

  #messageStart(at: number): number {
    const first = this.#slab[at]!;
    // R of RTSP and RECORD, A to T of the other methods.
    if (first < 0x41 || first > 0x54) return noMatch;
    let best = this.#prefix(at, responseStart);
    for (let i = 0; best !== match && i < requestStarts.length; i++) {
      const found = this.#prefix(at, requestStarts[i]!);
      if (found > best) best = found;
    }
    // While in step, a method that nobody knows is a request all the same: it is owed an answer.
    return best === noMatch && this.#inSync ? this.#unknownMethod(at) : best;
  }

  #unknownMethod(at: number): number {
    for (let i = at; i < at + 33; i++) {
      if (i >= this.#write) return maybe;
      const byte = this.#slab[i]!;
      if (byte === 0x20) return i - at >= 3 ? match : noMatch;
      if (byte !== 0x5f && (byte < 0x41 || byte > 0x5a)) return noMatch;
    }
    return noMatch;
  }

  #prefix(at: number, expected: readonly number[]): number {
    for (let i = 0; i < expected.length; i++) {
      if (at + i >= this.#write) return maybe;
      if (this.#slab[at + i] !== expected[i]) return noMatch;
    }
    return match;
  }

  #wait(need: number): false {
    this.#need = need;
    return false;
  }

  #skip(to: number): true {
    this.#skipped += to - this.#read;
    this.#read = to;
    this.#inSync = false;
    if (this.#skipped > maxGarbageBytes || this.#unreadable > maxUnreadable) {
      this.#closed = true;
      throw new WatchpostError(`the other side sent ${this.#skipped} bytes that are no RTSP — check host and port`, {
        kind: 'malformed',
        code: 'RTSP_GARBAGE',
        context: { bytes: this.#skipped },
      });
    }
    return true;
  }

  #synchronized(): void {
    this.#inSync = true;
    if (this.#skipped === 0) return;
    const bytes = this.#skipped;
    this.#skipped = 0;
    this.#unreadable = 0;
    this.#garbageBytes += bytes;
    this.#handler.onGarbage(bytes);
  }
}

/** One interleaved frame (RFC 2326 §10.12) around a packet of at most 65 535 bytes. */
export function writeInterleavedFrame(channel: number, packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + packet.length);
  frame.set([dollar, channel, packet.length >> 8, packet.length & 255]);
  frame.set(packet, 4);
  return frame;
}

const copyView: CopyBytes = (from, start, end, target, at) => {
  target.set(start === 0 && end === from.length ? from : from.subarray(start, end), at);
};

function readSsrc(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
