import { nearest } from '@watchpost/base/text/nearest.ts';
import type { z } from 'zod';
import type { ConfigFormat } from './document.ts';
import { isTable, type KeyPath } from './key-path.ts';
import { allKeys, keysAt } from './schema-view.ts';

/** Names that other programs have for ours. */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  server: ['http'],
  web: ['http'],
  api: ['http'],
  port: ['http.bind', 'protocols.rtsp.bind'],
  listen: ['http.bind', 'protocols.rtsp.bind'],
  host: ['cameras[].url', 'http.bind'],
  address: ['cameras[].url', 'http.bind'],
  ip: ['cameras[].url'],
  source: ['cameras[].url'],
  uri: ['cameras[].url'],
  id: ['cameras[].name'],
  streams: ['cameras'],
  paths: ['cameras'],
  sources: ['cameras'],
  user: ['cameras[].username'],
  path: ['storage.backends[].base_path', 'tunnel.path'],
  directory: ['storage.backends[].base_path', 'data_dir'],
  folder: ['storage.backends[].base_path', 'data_dir'],
};

/** A key of a file that the schema does not have. */
export interface UnknownKey {
  readonly path: KeyPath;
  readonly key: string;
  readonly value: unknown;
}

/** What to do about a key that is not known there: the same key elsewhere, a name like it here, or all that are known. */
export function unknownKeyCure(
  { path, key, value }: UnknownKey,
  { schema, format }: { schema: z.ZodType; format: ConfigFormat },
): string {
  const known = keysAt(schema, path);
  const all = allKeys(schema);
  const elsewhere = all.filter((one) => lastOf(one) === key);
  const near = nearest(key, known);
  // A name of the same section that is all but the same comes first.
  if (near !== undefined && (elsewhere.length === 0 || plain(near) === plain(key))) return `did you mean "${near}"?`;
  const meant = otherName(key, path, all);
  // At the root another program's section is likelier than a key of one of our sections.
  if (elsewhere.length > 0 && (meant === undefined || path.length > 0))
    return there(elsewhere, isSection(value), format);
  const [inner] = isTable(value) ? Object.keys(value).flatMap((name) => innerName(name, meant, all)) : [];
  if (inner !== undefined) return `its "${inner.name}" is ${inner.meant} here`;
  if (meant !== undefined) return `it is ${meant} here`;
  return known.length === 0 ? 'remove it' : `known here: ${known.join(', ')}`;
}

/** Of several meanings that of this section counts. */
function otherName(key: string, path: KeyPath, all: readonly string[]): string | undefined {
  const here = path.map((part) => (typeof part === 'number' ? '[]' : `.${part}`)).join('');
  const meanings = (otherNames[plain(key)] ?? []).filter((one) => all.includes(one));
  return meanings.find((one) => `.${one}`.startsWith(`${here}.`)) ?? meanings[0];
}

/** What a key of an unknown section is; that of the section that was meant counts first. */
function innerName(
  name: string,
  section: string | undefined,
  all: readonly string[],
): { name: string; meant: string }[] {
  const names = all.filter((one) => lastOf(one) === name || otherNames[plain(name)]?.includes(one));
  const meant = names.find((one) => section !== undefined && one.startsWith(`${section}.`));
  if (meant !== undefined) return [{ name, meant }];
  return section === undefined && names.length === 1 ? [{ name, meant: names[0]! }] : [];
}

function there(keys: readonly string[], hasKeys: boolean, format: ConfigFormat): string {
  const [first = '', ...more] = keys;
  if (more.length > 2) return `there are ${keys.slice(0, 3).join(', ')} and others`;
  if (more.length > 0) return `there are ${keys.slice(0, -1).join(', ')} and ${keys.at(-1)}`;
  const path = first.split('.');
  if (hasKeys) return `there is ${first}: write ${format.section(path)}`;
  return `there is ${first}: ${format.within(path)}`;
}

/** True for tables, and lists of them. */
export function isSection(value: unknown): boolean {
  return isTable(value) || (Array.isArray(value) && value.length > 0 && value.every(isTable));
}

function lastOf(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, '');
}
