import { writeAr } from './archive/ar.ts';
import { gzip } from './archive/gzip.ts';
import { readTar, writeTar } from './archive/tar.ts';
import { unpackFirmware } from './verify.ts';

const inner = writeTar([{ path: 'usr/lib/a', mode: 0o755, bytes: Buffer.from('content') }], './');

/** An archive, and a package of each kind. */
export const seeds: readonly Uint8Array[] = [
  inner,
  gzip(inner),
  writeAr([
    { name: 'debian-binary', bytes: Buffer.from('2.0\n') },
    { name: 'control.tar.gz', bytes: gzip(inner) },
    { name: 'data.tar.gz', bytes: gzip(inner) },
  ]),
].map((bytes) => new Uint8Array(bytes));

/** Reads bytes as an archive and as a package. */
export function fuzz(bytes: Uint8Array): void {
  try {
    unpackFirmware(bytes);
  } finally {
    readTar(bytes);
  }
}
