import { readU16, readU32, writeU16, writeU32 } from '@watchpost/base/bytes.ts';
import { userControl } from './codes.ts';

/** Body of a control message that is one number: chunk size, acknowledgement, window size (RTMP 1.0 §5.4). */
export function writeNumber(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, value);
  return bytes;
}

/** The number of a control message; undefined where it is cut off. */
export function readNumber(body: Uint8Array): number | undefined {
  return body.length < 4 ? undefined : readU32(body, 0);
}

/** Set peer bandwidth (§5.4.5), limit type 2: as the window was before. */
export function writePeerBandwidth(bytes: number): Uint8Array {
  const body = new Uint8Array(5);
  writeU32(body, 0, bytes);
  body[4] = 2;
  return body;
}

/** A user control event with one number (§7.1.7). */
export function writeUserControl(event: number, value: number): Uint8Array {
  const body = new Uint8Array(6);
  writeU16(body, 0, event);
  writeU32(body, 2, value);
  return body;
}

/** The event and its first number; undefined where it is cut off. */
export function readUserControl(body: Uint8Array): { event: number; value: number } | undefined {
  if (body.length < 2) return undefined;
  return { event: readU16(body, 0), value: body.length < 6 ? 0 : readU32(body, 2) };
}

/** The event "set buffer length", which has two numbers (§7.1.7). */
export function writeBufferLength(streamId: number, bufferMs: number): Uint8Array {
  const body = new Uint8Array(10);
  body.set(writeUserControl(userControl.setBufferLength, streamId));
  writeU32(body, 6, bufferMs);
  return body;
}
