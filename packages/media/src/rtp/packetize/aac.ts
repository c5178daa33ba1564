import { malformed } from '../../codec/malformed.ts';

/** AU-size has 13 bits in mode AAC-hbr. */
const maxFrameBytes = 8191;

/**
 * RTP payloads of AAC frames in mode AAC-hbr (RFC 3640 §3.3.6): as many frames in a payload as fit, a frame that does
 * not fit in fragments. Throws `malformed` for a frame of more than 8191 bytes. Each payload's packet carries the
 * marker unless a further fragment of the same frame follows; `maxPayloadBytes` is at least 5.
 */
export function packetizeAac(frames: readonly Uint8Array[], maxPayloadBytes: number): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  let i = 0;
  while (i < frames.length) {
    const frame = frames[i]!;
    checkSize(frame);
    if (4 + frame.length > maxPayloadBytes) {
      fragment(frame, maxPayloadBytes, payloads);
      i++;
      continue;
    }
    let end = i;
    let bytes = 2;
    while (end < frames.length && bytes + 2 + frames[end]!.length <= maxPayloadBytes) {
      checkSize(frames[end]!);
      bytes += 2 + frames[end]!.length;
      end++;
    }
    payloads.push(aggregate(frames.slice(i, end), bytes));
    i = end;
  }
  return payloads;
}

function checkSize(frame: Uint8Array): void {
  if (frame.length > maxFrameBytes) {
    throw malformed('AAC_FRAME_TOO_LARGE', `An AAC frame of ${frame.length} bytes cannot be sent over RTP.`);
  }
}

function writeAuHeader(payload: Uint8Array, at: number, size: number): void {
  payload[at] = size >> 5;
  payload[at + 1] = (size << 3) & 0xf8;
}

function aggregate(frames: readonly Uint8Array[], bytes: number): Uint8Array {
  const payload = new Uint8Array(bytes);
  payload[0] = (frames.length * 16) >> 8;
  payload[1] = frames.length * 16;
  let at = 2 + frames.length * 2;
  for (let i = 0; i < frames.length; i++) {
    writeAuHeader(payload, 2 + i * 2, frames[i]!.length);
    payload.set(frames[i]!, at);
    at += frames[i]!.length;
  }
  return payload;
}

function fragment(frame: Uint8Array, maxPayloadBytes: number, payloads: Uint8Array[]): void {
  const step = Math.max(1, maxPayloadBytes - 4);
  for (let at = 0; at < frame.length; at += step) {
    const part = frame.subarray(at, at + step);
    const payload = new Uint8Array(4 + part.length);
    payload[1] = 16;
    writeAuHeader(payload, 2, frame.length);
    payload.set(part, 4);
    payloads.push(payload);
  }
}
