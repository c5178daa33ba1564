import { gunzipSync, gzipSync } from 'node:zlib';
import { WatchpostError } from '@watchpost/base/errors.ts';

const maxUnpackedBytes = 512 * 1024 * 1024;

/** Gzip (RFC 1952) without name or time; the byte that tells the system is "unknown", so that all systems write the same. */
export function gzip(bytes: Uint8Array): Uint8Array {
  const packed = gzipSync(bytes, { level: 9 });
  packed.fill(0, 4, 8);
  packed[9] = 255;
  return packed;
}

/** Unpacks, at most to 512 MB. Throws `malformed` (`FIRMWARE_ARCHIVE`). */
export function gunzip(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxUnpackedBytes });
  } catch (cause) {
    throw new WatchpostError('the file cannot be unpacked: it is damaged or no gzip — download it again', {
      kind: 'malformed',
      code: 'FIRMWARE_ARCHIVE',
      cause,
    });
  }
}
