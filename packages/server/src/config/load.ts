import { accessSync, constants, createReadStream, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import { decodeText } from '@watchpost/base/text/decode-text.ts';
import { excerptOf, type TextMistake } from '@watchpost/base/text/mistake.ts';
import { nearest } from '@watchpost/base/text/nearest.ts';
import { ConfigNotes } from './config-notes.ts';
import { type ConfigFormat, formatOf } from './document.ts';
import { insertEnvironment } from './environment.ts';
import { explainIssue } from './explain.ts';
import { isTable, type KeyPath, valueAt } from './key-path.ts';
import { translateOlderFile } from './older-files.ts';
import {
  configSchema,
  KNOWN_PROTOCOLS,
  KNOWN_SCHEMES,
  LATER_BACKENDS,
  LATER_KEYS,
  type ParsedConfig,
} from './schema.ts';
import { coerceInserted, fillEmptySections } from './schema-view.ts';
import { toConfig } from './to-config.ts';
import type { Config, ConfigMessage, ConfigSections, LoadedConfig } from './types.ts';

/** Larger than that of ten thousand cameras. */
const maxFileBytes = 16_000_000;

/** What reading a file came to. `config` and `settings` are missing exactly if there are errors. */
export interface ConfigReading {
  /** Absolute. */
  readonly path: string;
  readonly config?: Config;
  /** The same in the file's words. */
  readonly settings?: ParsedConfig;
  readonly errors: readonly ConfigMessage[];
  readonly warnings: readonly ConfigMessage[];
  /** There is not a letter in it; all defaults. */
  readonly isBlank?: boolean;
}

/** Where `readConfigText` takes names and variables from. */
export interface ConfigSource {
  /** As messages show it; relative paths in the file start at its folder. */
  readonly file: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Reads a file and finds everything that is wrong with it; never throws for what the file says. */
export async function readConfig(
  file: string,
  sections: ConfigSections,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ConfigReading> {
  const problem = (text: string, cure: string): ConfigReading => ({
    path: resolve(file),
    errors: [{ file, key: '', text, cure }],
    warnings: [],
  });
  try {
    const bytes = await readBytes(file);
    if (bytes === undefined)
      return problem(`is larger than ${maxFileBytes / 1e6} MB`, 'name the configuration: this is something else');
    const text = decodeText(bytes);
    if (typeof text !== 'string') return unreadable(text, bytes.includes(0) ? '' : bytes.toString('utf8'), file);
    return readConfigText(text, sections, { file, environment });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return problem('there is no such file', 'copy watchpost.example.toml there, or name another with -c FILE');
    if (code === 'EISDIR')
      return problem('is a folder', `name the file in it: -c ${file.replace(/\/$/, '')}/watchpost.toml`);
    if (code === 'EACCES' || code === 'EPERM')
      return problem('may not be read by this user', await permissionCure(file));
    throw error;
  }
}

/** The file; undefined where it is larger than any configuration. */
async function readBytes(file: string): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of createReadStream(file)) {
    length += chunk.length;
    if (length > maxFileBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The file, or the folder around it that nobody else may enter. */
async function permissionCure(file: string): Promise<string> {
  const folder = dirname(resolve(file));
  const isClosed = await access(folder, constants.X_OK).then(
    () => false,
    () => true,
  );
  return isClosed
    ? `let this user into the folder (chmod o+x ${folder}), or run as its owner`
    : `chmod u+r ${file}, or run as its owner`;
}

/** Reads a file; throws `invalid_argument` (`CONFIG_INVALID`) whose message lists everything that is wrong, a line each. */
export async function loadConfig(
  file: string,
  sections: ConfigSections,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<LoadedConfig> {
  const { config, settings, path, errors, warnings } = await readConfig(file, sections, environment);
  if (config && settings) return { config, settings, file, path, warnings };
  throw new WatchpostError(errors.map(withExcerpt).join('\n'), {
    kind: 'invalid_argument',
    code: 'CONFIG_INVALID',
    context: { file, errors: errors.length },
  });
}

/** `watchpost.toml:12: cameras[2].url: what is wrong — what to do`; a column follows the line where it is known. */
export function formatConfigMessage({ file, line, column, key, text, cure }: ConfigMessage): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return `${place}: ${key === '' ? '' : `${key}: `}${text}${cure === undefined ? '' : ` — ${cure}`}`;
}

function withExcerpt(message: ConfigMessage): string {
  const { excerpt } = message;
  return `${formatConfigMessage(message)}${excerpt === undefined ? '' : `\n${excerpt}`}`;
}

/** A file that cannot be read at all. */
function unreadable(mistake: TextMistake, text: string, file: string): ConfigReading {
  const excerpt = excerptOf(text, mistake);
  return {
    path: resolve(file),
    errors: [{ file, key: '', ...mistake, ...(excerpt !== undefined && { excerpt }) }],
    warnings: [],
  };
}

/** `readConfig` for text that is already there. */
export function readConfigText(text: string, sections: ConfigSections, source: ConfigSource): ConfigReading {
  const path = resolve(source.file);
  const format = formatOf(source.file);
  const document = format.read(text);
  if ('text' in document) return unreadable(document, text, source.file);
  const notes = new ConfigNotes(source.file, document.lines);
  const inserted = insertEnvironment(document.value, { environment: source.environment, notes });
  const root = inserted as Record<string, unknown>;
  for (const translation of translateOlderFile(root)) {
    notes.moved.push(translation);
    notes.warn(translation.from, `older spelling: ${translation.note}`);
  }
  removeLaterKeys(root, sections, notes);
  const schema = configSchema(sections);
  fillEmptySections(root, schema);
  coerceInserted(root, schema, notes.fromEnvironment);
  const result = schema.safeParse(root);
  for (const issue of result.error?.issues ?? [])
    for (const { path: at, text: said, cure } of explainIssue(issue, { schema, root, format }))
      notes.error(at, said, cure);
  checkCameras(root['cameras'], notes, format);
  checkSchedules(root, notes);
  checkBackends(root, { notes, folder: dirname(path) });
  checkKeyframe(root, notes);
  checkAddresses(root['cameras'], sections, notes);
  const { errors, warnings } = notes;
  if (!result.success || errors.length > 0) return { path, errors: inOrder(errors), warnings: inOrder(warnings) };
  const config = toConfig(result.data, path, sections);
  if (config.auth.mode === 'none')
    notes.warn(
      ['auth', 'mode'],
      'everybody who reaches the port sees and changes everything',
      'use "required" outside a laboratory',
    );
  if (config.mediaDir !== undefined) checkMediaDir(config.mediaDir, notes);
  return { path, config, settings: result.data, errors, warnings: inOrder(warnings), isBlank: text.trim() === '' };
}

/** Only warns: the folder may be on a disk that comes later, and cameras that are no files need none. */
function checkMediaDir(folder: string, notes: ConfigNotes): void {
  const cure = 'until then no file: camera plays: make the folder, mount its disk, or name another';
  try {
    if (!statSync(folder).isDirectory()) notes.warn(['media_dir'], `${folder} is no folder`, cure);
    else accessSync(folder, constants.R_OK | constants.X_OK);
  } catch (error) {
    const isMissing = ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
    notes.warn(
      ['media_dir'],
      isMissing ? `there is no folder ${folder}` : `${folder} cannot be read by this user`,
      cure,
    );
  }
}

function inOrder(messages: ConfigMessage[]): ConfigMessage[] {
  return messages.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

/** Takes out of `root` what the platform documents and this build lacks, with a warning for each. */
function removeLaterKeys(root: Record<string, unknown>, sections: ConfigSections, notes: ConfigNotes): void {
  const inSections = sections.flatMap(({ name, place, later = [] }) =>
    later.map((key) => ({
      key: place === 'root' ? [name, key] : ['protocols', name, key],
      values: undefined,
      instead: 'as if it were not there',
    })),
  );
  for (const { key, values, instead } of [...LATER_KEYS, ...inSections]) {
    const parent = valueAt(root, key.slice(0, -1));
    const value = valueAt(root, key);
    if (value === undefined || !isTable(parent) || (values && !values.includes(String(value)))) continue;
    notes.warn(key, `${values ? `"${String(value)}" is` : 'is'} not in this build`, `it runs with ${instead}`);
    delete parent[key.at(-1)!];
  }
  removeOtherProtocols(root, sections, notes);
  const storage = root['storage'];
  if (!isTable(storage) || !Array.isArray(storage['backends'])) return;
  storage['backends'].forEach((backend: unknown, i) => {
    if (isTable(backend) && LATER_BACKENDS.includes(String(backend['type'])))
      notes.warn(
        ['storage', 'backends', i, 'type'],
        `"${String(backend['type'])}" is not in this build`,
        'this backend is left out',
      );
  });
  // Undefined in place of those, so that the others keep their index in messages.
  storage['backends'] = storage['backends'].map((backend: unknown) =>
    isTable(backend) && LATER_BACKENDS.includes(String(backend['type'])) ? undefined : backend,
  );
}

function removeOtherProtocols(root: Record<string, unknown>, sections: ConfigSections, notes: ConfigNotes): void {
  const protocols = root['protocols'];
  if (!isTable(protocols)) return;
  const names = sections.filter(({ place }) => place !== 'root').map(({ name }) => name);
  const cure = `it has ${names.join(', ')}`;
  for (const name of Object.keys(protocols)) {
    if (name === 'enabled' || names.includes(name) || !isTable(protocols[name])) continue;
    // Left to the schema, which names the nearest one.
    if (meantProtocol(name, names) !== undefined) continue;
    notes.warn(['protocols', name], `this build has no protocol "${name}"; the section is left out`, cure);
    delete protocols[name];
  }
  const { enabled } = protocols;
  if (!Array.isArray(enabled)) return;
  enabled.forEach((name, i) => {
    if (typeof name !== 'string' || names.includes(name)) return;
    const meant = meantProtocol(name, names);
    if (meant === undefined) notes.warn(['protocols', 'enabled', i], `this build has no protocol "${name}"`, cure);
    else notes.error(['protocols', 'enabled', i], `there is no protocol "${name}"`, `did you mean "${meant}"?`);
  });
  protocols['enabled'] = enabled.filter((name) => typeof name !== 'string' || names.includes(name));
}

/** The protocol that somebody misspelt; undefined for one that the platform has, and for what resembles none. */
function meantProtocol(name: string, names: readonly string[]): string | undefined {
  if (KNOWN_PROTOCOLS.includes(name)) return undefined;
  return name === 'http-flv' ? 'flv' : nearest(name, [...new Set([...names, ...KNOWN_PROTOCOLS])]);
}

/** Backends that share a name or a folder would delete each other's recordings. */
function checkBackends(
  { storage }: Record<string, unknown>,
  { notes, folder }: { readonly notes: ConfigNotes; readonly folder: string },
): void {
  const backends: unknown = isTable(storage) ? storage['backends'] : undefined;
  if (!Array.isArray(backends)) return;
  backends.forEach((one: unknown, i) => {
    for (let j = 0; j < i; j++) {
      const other: unknown = backends[j];
      if (!isTable(one) || !isTable(other)) continue;
      const at = ['storage', 'backends', i];
      if (one['name'] === other['name'])
        notes.error([...at, 'name'], `"${String(one['name'])}" is taken by storage.backends[${j}]`, 'use another');
      const [base, taken] = [resolve(folder, String(one['base_path'])), resolve(folder, String(other['base_path']))];
      if (isWithin(base, taken) || isWithin(taken, base))
        notes.error([...at, 'base_path'], `shares a folder with storage.backends[${j}]`, 'name a folder of its own');
    }
  });
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
}

/** What no schema of one key can see: names twice, no address, two kinds of address. */
function checkCameras(cameras: unknown, notes: ConfigNotes, format: ConfigFormat): void {
  if (!Array.isArray(cameras)) return;
  const first = new Map<string, number>();
  cameras.forEach((camera: unknown, i) => {
    if (!isTable(camera)) return;
    const { name, url, urls } = camera;
    if (typeof name === 'string') {
      const earlier = first.get(name);
      if (earlier === undefined) first.set(name, i);
      else
        notes.error(
          ['cameras', i, 'name'],
          `"${name}" is taken by cameras[${earlier}]`,
          `use another, such as "${name}-2"`,
        );
    }
    if (url === undefined && urls === undefined)
      notes.error(['cameras', i], 'has no address', `write ${format.assign('url', '"rtsp://HOST/PATH"')}`);
    if (url !== undefined && urls !== undefined)
      notes.error(['cameras', i, 'urls'], 'stands beside url', 'put all addresses into urls, the preferred one first');
  });
}

/** The backend that key pictures are kept on. */
function checkKeyframe({ keyframe, storage }: Record<string, unknown>, notes: ConfigNotes): void {
  const wanted = isTable(keyframe) ? keyframe['storage_backend'] : undefined;
  const backends = isTable(storage) ? storage['backends'] : undefined;
  if (typeof wanted !== 'string') return;
  const names = (Array.isArray(backends) ? backends : [{ name: 'local' }]).map((one) =>
    isTable(one) ? String(one['name']) : '',
  );
  if (names.includes(wanted)) return;
  const meant = nearest(wanted, names);
  const cure = meant === undefined ? `it may be ${names.join(' or ')}` : `did you mean "${meant}"?`;
  notes.error(['keyframe', 'storage_backend'], `there is no backend "${wanted}"`, cure);
}

/** Schedules that cameras name, and names that two schedules have. */
function checkSchedules(root: Record<string, unknown>, notes: ConfigNotes): void {
  const { schedules, cameras } = root;
  const names = Array.isArray(schedules)
    ? schedules.map((one: unknown) => (isTable(one) ? one['name'] : undefined))
    : [];
  names.forEach((name: unknown, i) => {
    if (typeof name === 'string' && names.indexOf(name) < i)
      notes.error(['schedules', i, 'name'], `"${name}" is taken by schedules[${names.indexOf(name)}]`, 'use another');
  });
  if (!Array.isArray(cameras)) return;
  cameras.forEach((camera: unknown, i) => {
    if (!isTable(camera)) return;
    const { schedule, record } = camera;
    if (record === 'schedule' && schedule === undefined)
      notes.error(['cameras', i, 'record'], 'names no schedule', 'write schedule = "NAME" of one of [[schedules]]');
    if (typeof schedule !== 'string') return;
    const meant = nearest(
      schedule,
      names.filter((name): name is string => typeof name === 'string'),
    );
    if (!names.includes(schedule))
      notes.error(
        ['cameras', i, 'schedule'],
        `there is no schedule "${schedule}"`,
        meant === undefined ? 'write [[schedules]] with this name' : `did you mean "${meant}"?`,
      );
    else if (record !== undefined && record !== true && record !== 'schedule')
      notes.error(['cameras', i, 'schedule'], `counts for record = "schedule" only`, 'leave one of the two out');
  });
}

/** Addresses of protocols that the platform has and this build lacks, and what a protocol does not take of its own. */
function checkAddresses(cameras: unknown, sections: ConfigSections, notes: ConfigNotes): void {
  const built = sections.flatMap(({ schemes = [] }) => schemes);
  if (!Array.isArray(cameras) || built.length === 0) return;
  const check = (url: unknown, path: KeyPath, isPulled: boolean) => {
    if (typeof url !== 'string') return;
    const scheme = url.slice(0, Math.max(0, url.indexOf(':'))).toLowerCase();
    if (isPulled && KNOWN_SCHEMES.includes(scheme) && !built.includes(scheme))
      notes.warn(path, `this build cannot pull "${scheme}:"`, `the camera stays offline; it pulls ${built.join(', ')}`);
    const { checkSource } = sections.find(({ schemes }) => schemes?.includes(scheme)) ?? {};
    if (checkSource) checkOptions(url, checkSource, (said) => notes.error(path, said));
  };
  cameras.forEach((camera: unknown, i) => {
    if (!isTable(camera)) return;
    for (const key of ['url', 'sub_url']) check(camera[key], ['cameras', i, key], true);
    for (const key of ['urls', 'push'])
      if (Array.isArray(camera[key]))
        for (const [j, url] of camera[key].entries()) check(url, ['cameras', i, key, j], key === 'urls');
  });
}

function checkOptions(url: string, checkSource: (source: SourceUrl) => void, tell: (said: string) => void): void {
  let source: SourceUrl;
  try {
    source = parseSourceUrl(url);
  } catch {
    // The schema has told that already.
    return;
  }
  try {
    checkSource(source);
  } catch (error) {
    tell(toWatchpostError(error).message);
  }
}
