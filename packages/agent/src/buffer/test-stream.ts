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

/** Gives a buffer a picture of one packet, for tests. */
export function sendPicture(buffer: EdgeBuffer, isKey: boolean, sequence = 0): void {
  const bytes = new Uint8Array(1200);
  bytes.set([0x80, 96, sequence >> 8, sequence]);
  bytes[12] = isKey ? 0x65 : 0x41;
  buffer.onPacket(0, false, bytes, 0, bytes.length);
}
