import { readU32 } from '@watchpost/base/bytes.ts';

const headerBytes = 10;
const maxFrames = 256;
/** Owner of the private frame with the time stamp (RFC 8216 §3.4). */
const timestampOwner = 'com.apple.streaming.transportStreamTimestamp';

/** An ID3 tag at the place that was asked for. */
export interface Id3Tag {
  /** Byte after it. */
  readonly end: number;
  /** 90 kHz, 33 bits, of the first sample after it, where the tag tells. */
  readonly timestamp?: number;
}

/** The ID3 tag (version 2) that begins at `at`; undefined where none does, or where it is cut off. */
export function readId3(bytes: Uint8Array, at: number): Id3Tag | undefined {
  if (at + headerBytes > bytes.length) return undefined;
  if (bytes[at] !== 0x49 || bytes[at + 1] !== 0x44 || bytes[at + 2] !== 0x33) return undefined;
  const size = syncSafe(bytes, at + 6);
  const end = at + headerBytes + size;
  if (end > bytes.length) return undefined;
  const isV4 = bytes[at + 3]! >= 4;
  let frame = at + headerBytes;
  for (let frames = 0; frame + headerBytes <= end && frames < maxFrames; frames++) {
    const body = frame + headerBytes;
    const frameEnd = body + (isV4 ? syncSafe(bytes, frame + 4) : readU32(bytes, frame + 4));
    if (frameEnd > end) break;
    const timestamp = readPrivate(bytes, frame, frameEnd);
    if (timestamp !== undefined) return { end, timestamp };
    frame = frameEnd;
  }
  return { end };
}

/** The time stamp of a PRIV frame of the known owner: eight bytes, of which 33 bits count. */
function readPrivate(bytes: Uint8Array, frame: number, end: number): number | undefined {
  const isPrivate = String.fromCharCode(...bytes.subarray(frame, frame + 4)) === 'PRIV';
  const data = frame + headerBytes + timestampOwner.length + 1;
  if (!isPrivate || data + 8 > end) return undefined;
  if (String.fromCharCode(...bytes.subarray(frame + headerBytes, data - 1)) !== timestampOwner) return undefined;
  return (bytes[data + 3]! & 1) * 0x1_0000_0000 + readU32(bytes, data + 4);
}

/** Four bytes of seven bits each (ID3v2.4 §6.2). */
function syncSafe(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! & 127) << 21) | ((bytes[at + 1]! & 127) << 14) | ((bytes[at + 2]! & 127) << 7) | (bytes[at + 3]! & 127)
  );
}
