import { parseSdp } from '@watchpost/media/sdp/parse.ts';
import { tracksFromSdp } from '@watchpost/media/sdp/tracks.ts';
import type { EdgeBuffer } from './edge-buffer.ts';

const sdp = parseSdp(
  new TextEncoder().encode(
    'v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:0\r\n',
  ),
);

/** A stream of one H.264 track, for tests. */
export const testStream = { sdp, tracks: tracksFromSdp(sdp), mediaIndices: [0], indices: [0] };

/** No two pictures are of one time. */
let pictures = 0;

/** Gives a buffer a picture of one packet, for tests. */
export function sendPicture(buffer: EdgeBuffer, isKey: boolean, sequence = 0): void {
  sendNal(buffer, { header: [isKey ? 0x65 : 0x41, 0x88], bytes: 1188, timestamp: pictures++ * 3600, sequence });
}

/** Gives a buffer one NAL unit, for tests. `header`: its first bytes. */
export function sendNal(
  buffer: EdgeBuffer,
  nal: { header: readonly number[]; bytes: number; timestamp: number; sequence: number },
): void {
  const bytes = new Uint8Array(12 + nal.bytes);
  bytes.set([0x80, 96, nal.sequence >> 8, nal.sequence]);
  new DataView(bytes.buffer).setUint32(4, nal.timestamp);
  bytes.set(nal.header, 12);
  buffer.onPacket(0, false, bytes, 0, bytes.length);
}
