import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { readAr } from './archive/ar.ts';
import { gunzip } from './archive/gzip.ts';
import { type ArchiveFile, readTar } from './archive/tar.ts';
import { prefixed } from './formats/prefixed.ts';
import { checkFiles, type PackageManifest } from './manifest.ts';

/** Checks a package of any format: each file's hash and permissions, and the signature. Throws as `checkFiles` does. */
export function verifyFirmware(file: string, key: KeyObject): PackageManifest {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new WatchpostError(`the package ${file} cannot be read`, {
      kind: 'not_found',
      code: 'FIRMWARE_FILE',
      cause,
    });
  }
  return checkFiles(unpackFirmware(bytes), key);
}

/** Files of a package; maintainer scripts of Debian and opkg packages as `DEBIAN/NAME`. */
export function unpackFirmware(bytes: Uint8Array): ArchiveFile[] {
  if (Buffer.from(bytes.subarray(0, 8)).toString('latin1') === '!<arch>\n')
    return members(readAr(bytes).map(({ name, bytes: content }) => ({ path: name, mode: 0o644, bytes: content })));
  const files = readTar(gunzip(bytes));
  return files.some(({ path }) => path === 'debian-binary') ? members(files) : files;
}

function members(outer: readonly ArchiveFile[]): ArchiveFile[] {
  const inner = (name: string) => {
    const found = outer.find(({ path }) => path === name);
    if (found) return readTar(gunzip(found.bytes));
    throw new WatchpostError(`the package has no ${name} — it was not made by the firmware builder`, {
      kind: 'malformed',
      code: 'FIRMWARE_ARCHIVE',
    });
  };
  return [...inner('data.tar.gz'), ...prefixed('DEBIAN/', inner('control.tar.gz'))];
}
