import { WatchpostError } from '@watchpost/base/errors.ts';
import type { AmfValue, ReadAmf3 } from '../container/flv/amf0.ts';
import { readAggregate } from './aggregate.ts';
import { ChunkReader, type RtmpMessage } from './chunk-reader.ts';
import { chunkMessage } from './chunk-writer.ts';
import { chunkStream, defaultChunkBytes, messageType, userControl } from './codes.ts';
import { type RtmpCommand, readCommand, writeCommand } from './command.ts';
import {
  readNumber,
  readUserControl,
  writeBufferLength,
  writeNumber,
  writePeerBandwidth,
  writeUserControl,
} from './control.ts';
import { Handshake } from './handshake.ts';

/** Where a link puts what it reads. */
export interface LinkHandler {
  send(bytes: Uint8Array): void;
  /** The handshake is done. */
  onOpen(): void;
  onCommand(command: RtmpCommand, streamId: number): void;
  /** Audio, video or data, the parts of aggregates among them; the body is never written again. */
  onMedia(type: number, timestampMs: number, body: Uint8Array): void;
  /** The other side plays no more of a message stream, or ends it (user control 1). */
  onStreamEnd?(): void;
}

/** How a link works. */
export interface LinkOptions {
  readonly isServer: boolean;
  /** Of the chunks that we send. */
  readonly chunkSize: number;
  readonly allocate?: (bytes: number) => Uint8Array;
  /** Without it AMF3 values in commands are refused. */
  readonly readAmf3?: ReadAmf3;
}

/** Until media come: commands are small. */
const maxCommandBytes = 64 * 1024;
/** Largest message of media; a key picture of 8K is smaller. */
const maxMediaBytes = 8 * 1024 * 1024;
/** What we ask the other side to acknowledge, and acknowledge where it does not say. */
const windowBytes = 2_500_000;
const leastWindowBytes = 4096;
/** Commands and pings of a client in a second; each costs an answer. Encoders and players send a dozen in all. */
const maxRequests = 256;
/** Messages of any kind in a second, from a client that may not send media: none of them costs much, but a byte is one. */
const maxMessages = 4096;

/** What both sides of a connection have in common: handshake, chunks, control messages (RTMP 1.0 §5). No socket, no time. */
export class RtmpLink {
  /** Bytes that came. */
  received = 0;
  readonly #handler: LinkHandler;
  readonly #handshake: Handshake;
  readonly #reader: ChunkReader;
  readonly #chunkSize: number;
  readonly #isServer: boolean;
  readonly #readAmf3: ReadAmf3 | undefined;
  #sendChunkSize = defaultChunkBytes;
  #theirWindow = windowBytes;
  #acknowledged = 0;
  #requests = 0;
  #messages = 0;
  #expectsMedia = false;

  constructor(handler: LinkHandler, options: LinkOptions) {
    this.#handler = handler;
    this.#chunkSize = options.chunkSize;
    this.#isServer = options.isServer;
    this.#readAmf3 = options.readAmf3;
    this.#handshake = new Handshake(options.isServer, (bytes) => handler.send(bytes));
    this.#reader = new ChunkReader({
      onMessage: (message) => this.#onMessage(message),
      maxMessageBytes: maxCommandBytes,
      ...(options.allocate && { allocate: options.allocate }),
    });
  }

  /** True once the handshake is done. */
  get isOpen(): boolean {
    return this.#handshake.isDone;
  }

  /** A client's first words. */
  start(): void {
    this.#handshake.start();
  }

  /** A second has passed: a client may ask again. */
  tick(): void {
    this.#requests = 0;
    this.#messages = 0;
  }

  /** Media may come: messages may be larger. */
  expectMedia(): void {
    this.#expectsMedia = true;
    this.#reader.maxMessageBytes = maxMediaBytes;
  }

  /** Takes `bytes[start…end)`. Throws `malformed` for what cannot be: the connection is of no use then. */
  receive(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    this.received += end - start;
    if (!this.#handshake.isDone) {
      at = this.#handshake.receive(bytes, at, end);
      if (this.#handshake.isDone) this.#handler.onOpen();
    }
    if (at < end) this.#reader.receive(bytes, at, end);
    if (this.received - this.#acknowledged >= this.#theirWindow) this.#acknowledge();
  }

  /** Window, bandwidth and chunk size, as a server says them first. */
  sendLimits(): void {
    this.#control(messageType.windowSize, writeNumber(windowBytes));
    this.#control(messageType.peerBandwidth, writePeerBandwidth(windowBytes));
    this.sendChunkSize();
  }

  /** Our chunk size, from now on. */
  sendChunkSize(): void {
    this.#control(messageType.setChunkSize, writeNumber(this.#chunkSize));
    this.#sendChunkSize = this.#chunkSize;
  }

  /** A user control event (§7.1.7). */
  sendUserControl(event: number, value: number): void {
    this.#control(messageType.userControl, writeUserControl(event, value));
  }

  /** How much we hold: a server sends so much at once (§7.1.7). */
  sendBufferLength(streamId: number, bufferMs: number): void {
    this.#control(messageType.userControl, writeBufferLength(streamId, bufferMs));
  }

  /** A command in AMF0. */
  sendCommand(name: string, transaction: number, more: { values: readonly AmfValue[]; streamId?: number }): void {
    this.#send(
      { chunkStreamId: chunkStream.command, type: messageType.command, streamId: more.streamId ?? 0 },
      writeCommand(name, transaction, more.values),
    );
  }

  #control(type: number, body: Uint8Array): void {
    this.#send({ chunkStreamId: chunkStream.control, type, streamId: 0 }, body);
  }

  #send(head: { chunkStreamId: number; type: number; streamId: number }, body: Uint8Array): void {
    this.#handler.send(chunkMessage({ ...head, timestampMs: 0, chunkSize: this.#sendChunkSize }, body));
  }

  #acknowledge(): void {
    this.#acknowledged = this.received;
    this.#control(messageType.acknowledgement, writeNumber(this.received % 0x1_0000_0000));
  }

  #onMessage(message: RtmpMessage): void {
    const { type, timestampMs, body } = message;
    if (!this.#expectsMedia && this.#isServer && ++this.#messages > maxMessages)
      throw tooMany(`${maxMessages} messages`);
    switch (type) {
      case messageType.audio:
      case messageType.video:
      case messageType.data:
        this.#handler.onMedia(type, timestampMs, body);
        return;
      case messageType.dataAmf3:
        this.#handler.onMedia(messageType.data, timestampMs, body.subarray(1));
        return;
      case messageType.aggregate:
        readAggregate(timestampMs, body, (type, ms, part) => this.#handler.onMedia(type, ms, part));
        return;
      case messageType.command:
      case messageType.commandAmf3:
        this.#countRequest();
        this.#handler.onCommand(readCommand(type, body, this.#readAmf3), message.streamId);
        return;
      default:
        this.#onControl(type, body);
    }
  }

  #onControl(type: number, body: Uint8Array): void {
    if (type === messageType.userControl) this.#onUserControl(body);
    const value = readNumber(body);
    if (value === undefined) return;
    // The upper bit is to be 0 (§5.4.1); who sets it does not mean it.
    if (type === messageType.setChunkSize) this.#reader.setChunkSize(value & 0x7fff_ffff);
    else if (type === messageType.abort) this.#reader.abort(value);
    else if (type === messageType.windowSize) this.#theirWindow = Math.max(value, leastWindowBytes);
  }

  #onUserControl(body: Uint8Array): void {
    const event = readUserControl(body);
    if (event?.event === userControl.pingRequest) {
      this.#countRequest();
      this.sendUserControl(userControl.pingResponse, event.value);
    } else if (event?.event === userControl.streamEnd) this.#handler.onStreamEnd?.();
  }

  #countRequest(): void {
    if (this.#isServer && ++this.#requests > maxRequests) throw tooMany(`${maxRequests} commands and pings`);
  }
}

function tooMany(what: string): WatchpostError {
  return new WatchpostError(`More than ${what} came in a second`, {
    kind: 'resource_exhausted',
    code: 'RTMP_TOO_MANY_MESSAGES',
  });
}
