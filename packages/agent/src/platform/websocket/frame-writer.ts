import { writeU16, writeU64 } from '@watchpost/base/bytes.ts';

/** Bytes of a client's header before a payload of `length`: 2, its extended length, and 4 of the mask (RFC 6455 §5.2). */
export function frameHeadBytes(length: number): number {
  return length < 126 ? 6 : length <= 0xffff ? 8 : 14;
}

/** A frame that a client sends: never fragmented. */
export interface OutgoingFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  /** Four bytes that the payload is combined with; all zero leave it as it is (RFC 6455 §5.3). */
  readonly mask: Uint8Array;
}

/** The header of a frame, for a payload that follows as it is: where the mask is zero. */
export function frameHead({ opcode, payload, mask }: OutgoingFrame): Uint8Array {
  const bytes = new Uint8Array(frameHeadBytes(payload.length));
  writeHead(bytes, 0, { opcode, payload, mask });
  return bytes;
}

/** What `maskedFrame` needs at most besides the payload. */
export const frameRoomBytes = 16;

/**
 * A whole frame, written into `into`, which begins on a boundary of 4 bytes and has room for the payload and
 * `frameRoomBytes`: the payload is copied and masked in one pass, four bytes at a time. Returns the part that was written.
 */
export function maskedFrame(frame: OutgoingFrame, into: Uint8Array): Uint8Array {
  const { payload, mask } = frame;
  // Mask and payload begin on such a boundary, too, whatever the header's length.
  const lead = -frameHeadBytes(payload.length) & 3;
  const from = writeHead(into, lead, frame);
  copyMasked(payload, into, { from, mask });
  return into.subarray(lead, from + payload.length);
}

function writeHead(into: Uint8Array, at: number, { opcode, payload, mask }: OutgoingFrame): number {
  const { length } = payload;
  const headBytes = frameHeadBytes(length);
  into[at] = 128 | opcode;
  into[at + 1] = 128 | (headBytes === 6 ? length : headBytes === 8 ? 126 : 127);
  if (headBytes === 8) writeU16(into, at + 2, length);
  else if (headBytes === 14) writeU64(into, at + 2, length);
  into.set(mask, at + headBytes - 4);
  return at + headBytes;
}

/** `from` is where the payload begins, right behind the mask, on a boundary of 4 bytes. */
function copyMasked(payload: Uint8Array, into: Uint8Array, { from, mask }: { from: number; mask: Uint8Array }): void {
  const count = payload.length >>> 2;
  // The mask is the first word, in this machine's order of bytes.
  const words = new Uint32Array(into.buffer, into.byteOffset + from - 4, count + 1);
  const word = words[0]!;
  if ((payload.byteOffset & 3) === 0) {
    const source = new Uint32Array(payload.buffer, payload.byteOffset, count);
    for (let i = 0; i < count; i++) words[i + 1] = source[i]! ^ word;
  } else {
    into.set(payload, from);
    for (let i = 1; i <= count; i++) words[i]! ^= word;
  }
  for (let i = count << 2; i < payload.length; i++) into[from + i] = payload[i]! ^ mask[i & 3]!;
}
