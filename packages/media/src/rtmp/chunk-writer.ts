import { writeU24, writeU32 } from '@watchpost/base/bytes.ts';
import { extendedFromMs } from './codes.ts';

/** A message that is written as chunks. */
export interface ChunkedMessage {
  /** 2…63. */
  readonly chunkStreamId: number;
  readonly type: number;
  /** 0…2^32-1. */
  readonly timestampMs: number;
  readonly streamId: number;
  /** Of its body. */
  readonly length: number;
}

const headBytes = 12;

/** Bytes that chunk headers add to a body of `length` bytes. */
export function chunkOverhead(length: number, timestampMs: number, chunkSize: number): number {
  const extended = timestampMs >= extendedFromMs ? 4 : 0;
  const more = length === 0 ? 0 : Math.floor((length - 1) / chunkSize);
  return headBytes + extended + more * (1 + extended);
}

/**
 * Puts chunk headers (RTMP 1.0 §5.3.1: type 0, then type 3) into a body that already stands where it ends: at
 * `at + chunkOverhead()`. What fits one chunk is not moved. Returns the end.
 */
export function writeChunks(into: Uint8Array, at: number, message: ChunkedMessage & { chunkSize: number }): number {
  const { chunkStreamId, type, timestampMs, length, chunkSize } = message;
  const isExtended = timestampMs >= extendedFromMs;
  let from = at + chunkOverhead(length, timestampMs, chunkSize);
  into[at] = chunkStreamId;
  writeU24(into, at + 1, isExtended ? extendedFromMs : timestampMs);
  writeU24(into, at + 4, length);
  into[at + 7] = type;
  into[at + 8] = message.streamId;
  into[at + 9] = message.streamId >>> 8;
  into[at + 10] = message.streamId >>> 16;
  into[at + 11] = message.streamId >>> 24;
  let to = at + headBytes;
  if (isExtended) {
    writeU32(into, to, timestampMs);
    to += 4;
  }
  for (let left = length; ; ) {
    const take = Math.min(left, chunkSize);
    if (to !== from) into.copyWithin(to, from, from + take);
    to += take;
    from += take;
    left -= take;
    if (left === 0) return to;
    into[to++] = 0xc0 | chunkStreamId;
    if (isExtended) {
      writeU32(into, to, timestampMs);
      to += 4;
    }
  }
}

/** A message with its body, as chunks. Copies: for control and commands. */
export function chunkMessage(
  message: Omit<ChunkedMessage, 'length'> & { chunkSize: number },
  body: Uint8Array,
): Uint8Array {
  const overhead = chunkOverhead(body.length, message.timestampMs, message.chunkSize);
  const bytes = new Uint8Array(overhead + body.length);
  bytes.set(body, overhead);
  writeChunks(bytes, 0, { ...message, length: body.length });
  return bytes;
}
