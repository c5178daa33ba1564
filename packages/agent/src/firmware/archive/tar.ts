import { WatchpostError } from '@watchpost/base/errors.ts';

/** A file of an archive; folders come of themselves. */
export interface ArchiveFile {
  /** Without a slash in front: `etc/init.d/S96watchpost`. */
  readonly path: string;
  /** Permission bits: 0o755. */
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/** What is fixed so that the same files make the same bytes: 2020-01-01 UTC, in seconds. */
export const archiveTimeS = 1_577_836_800;

const blockBytes = 512;
const maxArchiveBytes = 512 * 1024 * 1024;

/**
 * A tar archive (POSIX.1-1988 ustar): files in order of their paths, each folder before what is in it, all owned by root
 * and of the same time, so that the same files always give the same bytes. `prefix` goes before each path: `./`.
 */
export function writeTar(files: readonly ArchiveFile[], prefix = ''): Uint8Array {
  const sorted = [...files].sort((a, b) => compare(a.path, b.path));
  const blocks: Uint8Array[] = [];
  const folders = new Set<string>();
  if (prefix !== '') blocks.push(header(prefix, { mode: 0o755, size: 0, type: '5' }));
  for (const file of sorted) {
    for (const folder of foldersOf(file.path)) {
      if (folders.has(folder)) continue;
      folders.add(folder);
      blocks.push(header(`${prefix}${folder}/`, { mode: 0o755, size: 0, type: '5' }));
    }
    blocks.push(header(prefix + file.path, { mode: file.mode, size: file.bytes.length, type: '0' }));
    blocks.push(file.bytes, new Uint8Array((blockBytes - (file.bytes.length % blockBytes)) % blockBytes));
  }
  blocks.push(new Uint8Array(2 * blockBytes));
  return Buffer.concat(blocks);
}

/**
 * Files of a tar archive; folders are left out and `./` before names is dropped. Throws `malformed`
 * (`FIRMWARE_ARCHIVE`) for what is no archive, for links, and for paths that lead out of the folder.
 */
export function readTar(bytes: Uint8Array): ArchiveFile[] {
  if (bytes.length > maxArchiveBytes) throw malformed('is larger than 512 MB');
  const files: ArchiveFile[] = [];
  for (let at = 0; at + blockBytes <= bytes.length; ) {
    const head = bytes.subarray(at, at + blockBytes);
    if (head.every((byte) => byte === 0)) return files;
    if (octal(head, 148, 8) !== checksum(head)) throw malformed('has a header with a wrong checksum');
    const size = octal(head, 124, 12);
    const start = at + blockBytes;
    if (!(size >= 0) || start + size > bytes.length) throw malformed('ends in the middle of a file');
    const before = text(head, 345, 155);
    const path = `${before === '' ? '' : `${before}/`}${text(head, 0, 100)}`.replace(/^(\.\/)+/, '');
    const type = text(head, 156, 1);
    if (path.startsWith('/') || path.split('/').includes('..')) throw malformed(`has a file outside: ${path}`);
    if (type === '0' || type === '')
      files.push({ path, mode: octal(head, 100, 8) & 0o7777, bytes: bytes.subarray(start, start + size) });
    else if (type !== '5') throw malformed(`has an entry of type "${type}", which we never write: ${path}`);
    at = start + Math.ceil(size / blockBytes) * blockBytes;
  }
  throw malformed('has no end');
}

function header(name: string, { mode, size, type }: { mode: number; size: number; type: string }): Uint8Array {
  const head = new Uint8Array(blockBytes);
  const [before, last] = splitName(name);
  put(head, 0, last);
  put(head, 100, `${mode.toString(8).padStart(7, '0')}\0`);
  put(head, 108, '0000000\0');
  put(head, 116, '0000000\0');
  put(head, 124, `${size.toString(8).padStart(11, '0')}\0`);
  put(head, 136, `${archiveTimeS.toString(8).padStart(11, '0')}\0`);
  put(head, 148, '        ');
  put(head, 156, type);
  put(head, 257, 'ustar\x0000');
  put(head, 265, 'root');
  put(head, 297, 'root');
  put(head, 345, before);
  put(head, 148, `${checksum(head).toString(8).padStart(6, '0')}\0 `);
  return head;
}

/** A name of more than 100 bytes is split at a slash: 155 before, 100 after. */
function splitName(name: string): [before: string, last: string] {
  if (Buffer.byteLength(name) <= 100) return ['', name];
  for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1))
    if (Buffer.byteLength(name.slice(at + 1)) <= 100 && at <= 155) return [name.slice(0, at), name.slice(at + 1)];
  throw malformed(`cannot hold so long a name: ${name}`);
}

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}

function checksum(head: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < blockBytes; i++) sum += i >= 148 && i < 156 ? 32 : head[i]!;
  return sum;
}

function put(head: Uint8Array, at: number, value: string): void {
  head.set(Buffer.from(value), at);
}

function text(head: Uint8Array, at: number, length: number): string {
  const end = head.indexOf(0, at);
  return Buffer.from(head.subarray(at, end < 0 ? at + length : Math.min(end, at + length))).toString();
}

function octal(head: Uint8Array, at: number, length: number): number {
  const digits = text(head, at, length).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function malformed(what: string): WatchpostError {
  return new WatchpostError(
    `the archive ${what} — it was not made by the firmware builder, or the download is damaged`,
    {
      kind: 'malformed',
      code: 'FIRMWARE_ARCHIVE',
    },
  );
}
