import { emptyBytes, readU16, readU64 } from '@watchpost/base/bytes.ts';
import { brokenFrame, closeCode, maxControlBytes, opcode } from './frame.ts';

/** What a `FrameReader` found. */
export interface FrameReaderHandler {
  /** A whole binary message: a view of what `receive` was given where it lay in it whole, else memory of its own. */
  onMessage(message: Uint8Array): void;
  /** To be answered with a pong of the same bytes, which are valid during the call only. */
  onPing(payload: Uint8Array): void;
  /** The other end leaves; nothing is read any more. */
  onClose(code: number): void;
}

/** Bytes of a header before its extended length (RFC 6455 §5.2). */
const shortHeadBytes = 2;
/** A longer part of a message makes the memory for the message at least so large. */
const leastAssemblyBytes = 1024;

/**
 * Reads what a server sends over a WebSocket (RFC 6455 §5), in pieces of any size, with binary messages only. Lengths
 * are checked before memory is taken; what is held is at most three messages large, whatever comes.
 */
export class FrameReader {
  readonly #handler: FrameReaderHandler;
  readonly #maxMessageBytes: number;
  readonly #head = new Uint8Array(10);
  #headBytes = 0;
  #headNeeded = shortHeadBytes;
  /** Of the frame under way, whose header is complete. */
  #inPayload = false;
  #length = 0;
  /** A payload that came in pieces. */
  #payload: Uint8Array | undefined;
  #filled = 0;
  /** A message that came in fragments; its first `#assembledBytes` count. */
  #assembly = emptyBytes;
  #assembledBytes = 0;
  #isFragmented = false;
  #isOver = false;

  constructor(handler: FrameReaderHandler, maxMessageBytes: number) {
    this.#handler = handler;
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Throws `malformed` (`WEBSOCKET_FRAME`, with `closeCode` in its context); nothing is read after that. */
  receive(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#isOver; )
      at = this.#inPayload ? this.#takePayload(bytes, at) : this.#takeHead(bytes, at);
  }

  #takeHead(bytes: Uint8Array, from: number): number {
    let at = from;
    while (at < bytes.length) {
      this.#head[this.#headBytes++] = bytes[at++]!;
      if (this.#headBytes === shortHeadBytes) this.#headNeeded = this.#judgeHead();
      if (this.#headBytes === this.#headNeeded) {
        this.#beginPayload();
        break;
      }
    }
    return at;
  }

  /** Judges the first two bytes; returns how many the header has. */
  #judgeHead(): number {
    const first = this.#head[0]!;
    const second = this.#head[1]!;
    const code = first & 15;
    const isControl = code >= opcode.close;
    if ((first & 0x70) !== 0) this.#fail('it sets bits of an extension that nobody agreed on');
    if (code === opcode.text) this.#fail('it is text where all is binary', closeCode.unsupportedData);
    if (code > opcode.pong || (code > opcode.binary && !isControl)) this.#fail(`its opcode ${code} is not known`);
    if (second > 127) this.#fail('it is masked, which only clients do');
    if (isControl && (first < 128 || second > maxControlBytes))
      this.#fail('a control frame is neither fragmented nor longer than 125 bytes');
    if (!isControl && (code === opcode.continuation) !== this.#isFragmented)
      this.#fail(this.#isFragmented ? 'it begins amid another message' : 'it goes on with a message that has no begin');
    return shortHeadBytes + (second === 126 ? 2 : second === 127 ? 8 : 0);
  }

  #beginPayload(): void {
    const head = this.#head;
    const short = head[1]!;
    const length = short === 126 ? readU16(head, 2) : short === 127 ? readU64(head, 2) : short;
    // The shortest form is a must, and the highest bit of the longest is 0 (§5.2).
    const least = short === 126 ? 126 : short === 127 ? 0x1_0000 : 0;
    if (length < least || (short === 127 && head[2]! > 127)) this.#fail('its length is written wrongly');
    if (head[0]! % 16 < opcode.close && this.#assembledBytes + length > this.#maxMessageBytes)
      this.#fail(`its message exceeds ${this.#maxMessageBytes} bytes`, closeCode.tooLarge);
    this.#inPayload = true;
    this.#length = length;
    this.#filled = 0;
    if (length === 0) this.#endFrame(emptyBytes);
  }

  #takePayload(bytes: Uint8Array, at: number): number {
    const length = this.#length;
    const end = Math.min(at + length - this.#filled, bytes.length);
    if (end - at === length) {
      this.#endFrame(bytes.subarray(at, end));
      return end;
    }
    this.#payload ??= new Uint8Array(length);
    this.#payload.set(bytes.subarray(at, end), this.#filled);
    this.#filled += end - at;
    if (this.#filled === length) this.#endFrame(this.#payload);
    return end;
  }

  #endFrame(payload: Uint8Array): void {
    const code = this.#head[0]! % 16;
    const isFinal = this.#head[0]! >= 128;
    this.#inPayload = false;
    this.#headBytes = 0;
    this.#headNeeded = shortHeadBytes;
    this.#payload = undefined;
    if (code === opcode.ping) this.#handler.onPing(payload);
    else if (code === opcode.close) this.#endConnection(payload);
    else if (code === opcode.pong) return;
    else if (isFinal && !this.#isFragmented) this.#handler.onMessage(payload);
    else this.#addFragment(payload, isFinal);
  }

  /** Copies: a view of a few bytes would hold the whole read that they came in. */
  #addFragment(payload: Uint8Array, isFinal: boolean): void {
    const total = this.#assembledBytes + payload.length;
    if (total > this.#assembly.length) {
      const roomBytes = isFinal ? total : Math.max(total * 2, leastAssemblyBytes);
      const room = new Uint8Array(Math.min(roomBytes, this.#maxMessageBytes));
      room.set(this.#assembly.subarray(0, this.#assembledBytes));
      this.#assembly = room;
    }
    this.#assembly.set(payload, this.#assembledBytes);
    this.#assembledBytes = total;
    this.#isFragmented = !isFinal;
    if (!isFinal) return;
    const message = this.#assembly.subarray(0, total);
    this.#assembly = emptyBytes;
    this.#assembledBytes = 0;
    this.#handler.onMessage(message);
  }

  #endConnection(payload: Uint8Array): void {
    const code = payload.length === 0 ? closeCode.none : payload.length === 1 ? 0 : readU16(payload, 0);
    if (payload.length > 0 && !isSendable(code)) this.#fail(`it closes with ${code}, which means nothing`);
    if (!isText(payload.subarray(2))) this.#fail('the reason in it is not UTF-8', closeCode.invalidText);
    this.#isOver = true;
    this.#handler.onClose(code);
  }

  #fail(why: string, code: number = closeCode.protocolError): never {
    this.#isOver = true;
    throw brokenFrame(code, `A WebSocket frame is broken: ${why}.`);
  }
}

/** Codes that a close frame may hold: those of RFC 6455 §7.4.1, what was registered after it, and those of applications. */
function isSendable(code: number): boolean {
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
