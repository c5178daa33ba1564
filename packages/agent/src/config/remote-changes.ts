import { WatchpostError } from '@watchpost/base/errors.ts';
import { AllowList } from '../allow-list.ts';
import { publishRefusal } from '../publish/publish-reach.ts';
import type { AgentConfig } from './agent-config.ts';
import { isObject, type Json, merged } from './json.ts';

/** Sections that a server may change; what concerns the connection and its secrets stays with the file. */
const changeableSections = ['tunnel', 'cameras', 'discovery', 'buffer', 'publish'] as const;

/** Beside the sections in `changes.json`: what the file said where something was changed. */
const replacedKey = 'replaced';

type Within = (local: unknown, wanted: unknown) => boolean;

const notSwitchedOn: Within = (local, wanted) => local !== false || wanted === false;
const notMore: Within = (local, wanted) => typeof local !== 'number' || (typeof wanted === 'number' && wanted <= local);
const noOthers: Within = (local, wanted) =>
  !Array.isArray(local) || (Array.isArray(wanted) && wanted.every((one) => local.includes(one)));

/** What the file allows where it says something; where it does not, the server is free. */
const ceilings: Readonly<Record<string, Within>> = {
  'tunnel.resend_buffer_mb': notMore,
  'discovery.enabled': notSwitchedOn,
  'discovery.register': notSwitchedOn,
  'discovery.hosts': noOthers,
  'discovery.ports': noOthers,
  'buffer.enabled': notSwitchedOn,
  'buffer.max_mb': notMore,
};

/** What `changes.json` has. */
export interface StoredChanges {
  readonly changes: Json;
  /** Undefined in files of agents that did not write it. */
  readonly replaced: Json | undefined;
}

/** Takes a `changes.json` apart. */
export function readStored(file: Json): StoredChanges {
  const { [replacedKey]: replaced, ...changes } = file;
  return { changes, replaced: isObject(replaced) ? replaced : undefined };
}

/** What to keep of changes: with what they replace in the file, so that a later edit of it is seen. */
export function toStored(changes: Json, file: Json): Json {
  let replaced: Json = {};
  for (const path of leavesOf(changes)) {
    const value = at(file, path);
    if (value !== undefined) replaced = withValue(replaced, path, value);
  }
  return Object.keys(changes).length === 0 ? {} : { ...changes, [replacedKey]: replaced };
}

/**
 * The changes that still hold: a key that the file has since been given another value for is the file's, and so is what it
 * does not allow any more. `dropped`: the other keys.
 */
export function changesThatHold(stored: StoredChanges, file: Json): { changes: Json; dropped: readonly string[] } {
  let changes: Json = {};
  const dropped: string[] = [];
  for (const path of leavesOf(stored.changes)) {
    const isEdited = stored.replaced !== undefined && !isSame(at(stored.replaced, path), at(file, path));
    const wanted = at(stored.changes, path);
    if (isEdited || refusalOf(path, wanted, file) !== undefined) dropped.push(path.join('.'));
    else changes = withValue(changes, path, wanted);
  }
  return { changes, dropped };
}

/** Throws `forbidden` (`AGENT_CONFIG_PROTECTED`) for changes that the file does not allow. */
export function checkChanges(changes: Json, file: Json): void {
  for (const path of leavesOf(changes)) {
    const refusal = refusalOf(path, at(changes, path), file);
    if (refusal !== undefined) throw protectedError(refusal);
  }
}

/**
 * Why a configuration with changes reaches further than the file alone lets it; undefined where it does not. `isFound`: a
 * target belongs to a camera that was found here and that the file lets be registered.
 */
export function reachOf(
  next: AgentConfig,
  local: AgentConfig,
  isFound: (target: { host: string; port: number }) => boolean,
): WatchpostError | undefined {
  const allowed = new AllowList(local);
  const stranger = new AllowList(next).list().find((target) => !allowed.mayOpen(target) && !isFound(target));
  if (stranger)
    return new WatchpostError(
      `${stranger.host}:${stranger.port} is not among the targets that this agent allows — add it to tunnel.targets on the agent itself`,
      { kind: 'forbidden', code: 'AGENT_TARGET_NOT_ALLOWED' },
    );
  if (registers(next) && !registers(local))
    return protectedError('cameras that are found would become reachable — set discovery.register on the agent itself');
  for (const { url } of next.publish) {
    const refusal = publishRefusal(url, local);
    if (refusal) return refusal;
  }
  return undefined;
}

/** True where cameras that are found may be reached. */
export function registers({ discovery }: AgentConfig): boolean {
  return discovery.enabled && discovery.register;
}

function refusalOf(path: readonly string[], wanted: unknown, file: Json): string | undefined {
  const [section = ''] = path;
  if (!(changeableSections as readonly string[]).includes(section))
    return `"${section}" cannot be changed from afar — ${changeableSections.join(', ')} can`;
  const key = path.slice(0, 2).join('.');
  if (key === 'tunnel.targets')
    return 'tunnel.targets cannot be changed from afar: the agent alone decides what may be reached through it';
  const local = at(file, path);
  if (local === undefined || (ceilings[key]?.(local, wanted) ?? true)) return undefined;
  return `${key} is ${JSON.stringify(local)} in agent.json — more has to be allowed on the agent itself`;
}

function protectedError(message: string): WatchpostError {
  return new WatchpostError(message, { kind: 'forbidden', code: 'AGENT_CONFIG_PROTECTED' });
}

/** Paths of all that is no object; lists count as one value. */
function leavesOf(value: Json, path: readonly string[] = []): (readonly string[])[] {
  return Object.entries(value).flatMap(([key, one]) =>
    key !== '__proto__' && isObject(one) && Object.keys(one).length > 0
      ? leavesOf(one, [...path, key])
      : [[...path, key]],
  );
}

function at(value: Json, path: readonly string[]): unknown {
  let found: unknown = value;
  for (const key of path) found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  return found;
}

function withValue(base: Json, path: readonly string[], value: unknown): Json {
  return merged(base, path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Json);
}

/** Order of keys means nothing. */
function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => isSame(one, b[i]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => isSame(a[name], b[name]));
}
