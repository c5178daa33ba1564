import { malformed } from './malformed.ts';

const maxHeaderBytes = 65_536;

/**
 * The payload of a NAL unit without emulation prevention bytes (ITU-T H.264 §7.4.1.1, H.265 §7.4.2). Copies, so it is
 * for parameter sets only: more than 64 KiB is `malformed`.
 */
export function unescapeRbsp(nal: Uint8Array): Uint8Array {
  if (nal.length > maxHeaderBytes) {
    throw malformed('CODEC_HEADER_TOO_LARGE', `A parameter set of ${nal.length} bytes is too large.`);
  }
  const rbsp = new Uint8Array(nal.length);
  let length = 0;
  let zeros = 0;
  for (let i = 0; i < nal.length; i++) {
    const byte = nal[i]!;
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    rbsp[length++] = byte;
  }
  return rbsp.subarray(0, length);
}
