import { WatchpostError } from '@watchpost/base/errors.ts';
import { archiveTimeS } from './tar.ts';

const magic = '!<arch>\n';

/** A member of an `ar` archive. */
export interface ArMember {
  /** At most 15 bytes. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** An `ar` archive as Debian packages are (deb(5)): members in the given order, owned by root, of one time. */
export function writeAr(members: readonly ArMember[]): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from(magic)];
  for (const { name, bytes } of members) {
    const fields = [
      name.padEnd(16),
      String(archiveTimeS).padEnd(12),
      '0     0     100644  ',
      String(bytes.length).padEnd(10),
    ];
    parts.push(Buffer.from(`${fields.join('')}\`\n`), bytes);
    if (bytes.length % 2 === 1) parts.push(Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}

/** The members of an `ar` archive. Throws `malformed` (`FIRMWARE_ARCHIVE`). */
export function readAr(bytes: Uint8Array): ArMember[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const members: ArMember[] = [];
  if (view.toString('latin1', 0, magic.length) !== magic) throw damaged();
  for (let at = magic.length; at < view.length; ) {
    if (at + 60 > view.length) throw damaged();
    const size = Number(view.toString('latin1', at + 48, at + 58).trim());
    const start = at + 60;
    if (!Number.isSafeInteger(size) || size < 0 || start + size > view.length || view[at + 58] !== 0x60)
      throw damaged();
    members.push({
      name: view
        .toString('latin1', at, at + 16)
        .trim()
        .replace(/\/$/, ''),
      bytes: view.subarray(start, start + size),
    });
    at = start + size + (size % 2);
  }
  return members;
}

function damaged(): WatchpostError {
  return new WatchpostError('the file is no Debian package, or is damaged — download it again', {
    kind: 'malformed',
    code: 'FIRMWARE_ARCHIVE',
  });
}
