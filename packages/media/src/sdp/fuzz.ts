import { latmConfigOf } from '../rtp/depacketize/aac-latm.ts';
import { parseSdp } from './parse.ts';
import { tracksFromSdp } from './tracks.ts';
import { writeSdp } from './write.ts';

/** Reads bytes as a session description and writes it again. Throws only `malformed`. */
export function fuzz(bytes: Uint8Array): void {
  const sdp = parseSdp(bytes);
  tracksFromSdp(sdp, latmConfigOf);
  parseSdp(writeSdp(sdp));
}
