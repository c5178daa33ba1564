import { readU16, readU32, writeU16, writeU32, writeU64 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** The only version of the protocol so far; HELLO and CHALLENGE agree on one. */
export const protocolVersion = 1;

/** Bytes before each frame's payload: type, flags, length (16 bits), channel (32 bits). */
export const headerBytes = 8;

/** Most bytes of a frame, header included. */
export const maxFrameBytes = 16_384;

/** Most bytes that a frame carries. */
export const maxPayloadBytes = maxFrameBytes - headerBytes;

/** Most bytes of one WebSocket message: whole frames, as many as fit. */
export const maxMessageBytes = 65_536;

/** What a frame means. Below `firstLinkType` it is numbered, kept until acknowledged, and sent again after a reconnect. */
export const frameType = {
  open: 0x01,
  opened: 0x02,
  data: 0x03,
  end: 0x04,
  reset: 0x05,
  credit: 0x06,
  sessionCredit: 0x07,
  message: 0x08,
  ack: 0x40,
  ping: 0x41,
  pong: 0x42,
  goAway: 0x43,
  hello: 0x50,
  challenge: 0x51,
  proof: 0x52,
  welcome: 0x53,
  refused: 0x54,
} as const;

/** Frames from here on belong to one connection: they are neither numbered nor repeated. */
export const firstLinkType = 0x40;

/** Flag of MESSAGE: the next MESSAGE goes on with this one. */
export const moreFlag = 0x01;

/** A frame's header. */
export interface FrameHeader {
  type: number;
  flags: number;
  /** Bytes of payload. */
  length: number;
  channel: number;
}

/**
 * Reads the header at `at` into `into`, which is used again for each frame. The frame lies whole in the message; else
 * `malformed` (`TUNNEL_FRAME`), for messages hold whole frames only.
 */
export function readFrameHeader(message: Uint8Array, at: number, into: FrameHeader): void {
  if (at + headerBytes > message.length) throw brokenFrame('a header is cut off', at);
  into.type = message[at]!;
  into.flags = message[at + 1]!;
  into.length = readU16(message, at + 2);
  into.channel = readU32(message, at + 4);
  if (into.length > maxPayloadBytes) throw brokenFrame(`a frame of ${into.length} bytes is too long`, at);
  if (at + headerBytes + into.length > message.length) throw brokenFrame('a frame is cut off', at);
}

/** Writes a header at `at`. */
export function writeFrameHeader(bytes: Uint8Array, at: number, header: Readonly<FrameHeader>): void {
  bytes[at] = header.type;
  bytes[at + 1] = header.flags;
  writeU16(bytes, at + 2, header.length);
  writeU32(bytes, at + 4, header.channel);
}

/** A whole frame in bytes of its own; for the rare ones, not for DATA. */
export function makeFrame(type: number, channel: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(headerBytes + payload.length);
  writeFrameHeader(frame, 0, { type, flags: 0, length: payload.length, channel });
  frame.set(payload, headerBytes);
  return frame;
}

/** A frame of the connection whose payload is one 64-bit number: ACK, PING, PONG. */
export function makeNumberFrame(type: number, value: number): Uint8Array {
  const frame = new Uint8Array(headerBytes + 8);
  writeFrameHeader(frame, 0, { type, flags: 0, length: 8, channel: 0 });
  writeU64(frame, headerBytes, value);
  return frame;
}

function brokenFrame(what: string, at: number): WatchpostError {
  return new WatchpostError(`The other end of the tunnel broke the protocol: ${what} — one of the two is out of date`, {
    kind: 'malformed',
    code: 'TUNNEL_FRAME',
    context: { at },
  });
}
