import type { Platform } from '../platform/platform.ts';
import type { AgentConfig } from './agent-config.ts';
import { readAgentConfig } from './read-config.ts';
import { configError, parseJson } from './reader.ts';

const maxFileBytes = 1_000_000;

/** Environment variables that win over the file, and their keys in `agent`. */
const variables: readonly (readonly [name: string, key: string])[] = [
  ['WATCHPOST_AGENT_ID', 'agent_id'],
  ['WATCHPOST_AGENT_SERVER_URL', 'tunnel_server_url'],
  ['WATCHPOST_AGENT_TOKEN', 'tunnel_server_token'],
  ['WATCHPOST_AGENT_PROXY', 'proxy'],
  ['WATCHPOST_AGENT_STATE', 'state_dir'],
];

/** Values of the command line; they win over everything. */
export interface ConfigFlags {
  readonly serverUrl?: string;
  readonly agentId?: string;
  readonly stateDir?: string;
}

const defaultStateDir = '/var/lib/watchpost-agent';

/** An object of JSON. */
export type Json = Record<string, unknown>;

/**
 * The configuration: file, then what a server changed remotely (`changes.json` of the state folder), then environment,
 * then flags. `changes` are tried in place of that file's. Throws `invalid_argument` (`AGENT_CONFIG_INVALID`) with file and key of each mistake.
 */
export async function loadConfig(
  platform: Platform,
  file: string | undefined,
  { flags = {}, changes: tried }: { flags?: ConfigFlags; changes?: Json } = {},
): Promise<AgentConfig> {
  const base = file === undefined ? {} : await readObject(platform, file);
  if (base === undefined)
    throw configError(`${file} does not exist — make one from the README of the agent, or name another with -c`);
  const outer = withVariables(platform, flags);
  const named = merged(base, outer)['agent'] as Json | undefined;
  const stateDir = typeof named?.['state_dir'] === 'string' ? named['state_dir'] : defaultStateDir;
  const changes = tried ?? (await readChanges(platform, stateDir));
  return readAgentConfig(merged(merged(base, changes), outer), { file: file ?? 'the configuration', stateDir });
}

/** Sections that a server may change; what concerns the connection and its secrets stays with the file. */
export const changeableSections = ['tunnel', 'cameras', 'discovery', 'buffer', 'publish'] as const;

/** What a server changed remotely; empty where nothing was, or the file is damaged. */
export async function readChanges(platform: Platform, stateDir: string): Promise<Json> {
  try {
    return (await readObject(platform, changesPath(stateDir))) ?? {};
  } catch {
    return {};
  }
}

/** Keeps what a server changed. */
export async function writeChanges(platform: Platform, stateDir: string, changes: Json): Promise<void> {
  await platform.writeFile(changesPath(stateDir), new TextEncoder().encode(`${JSON.stringify(changes, null, 2)}\n`));
}

/** `over` laid over `base`: objects key by key, everything else as a whole. */
export function merged(base: Json, over: Json): Json {
  const result: Json = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = Object.hasOwn(result, key) ? result[key] : undefined;
    if (key === '__proto__') continue;
    result[key] = isObject(before) && isObject(value) ? merged(before, value) : value;
  }
  return result;
}

function changesPath(stateDir: string): string {
  return `${stateDir}/changes.json`;
}

async function readObject(platform: Platform, file: string): Promise<Json | undefined> {
  const bytes = await platform.readFile(file);
  if (!bytes) return undefined;
  if (bytes.length > maxFileBytes) throw configError(`${file} is larger than 1 MB — this is no configuration`);
  const value = parseJson(new TextDecoder().decode(bytes), file);
  if (isObject(value)) return value;
  throw configError(`${file} must hold one object: { "agent": { … } }`);
}

function withVariables(platform: Platform, flags: ConfigFlags): Json {
  const agent: Json = {};
  for (const [name, key] of variables) {
    const value = platform.environment(name);
    if (value !== undefined && value !== '') agent[key] = value;
  }
  if (flags.serverUrl !== undefined) agent['tunnel_server_url'] = flags.serverUrl;
  if (flags.agentId !== undefined) agent['agent_id'] = flags.agentId;
  if (flags.stateDir !== undefined) agent['state_dir'] = flags.stateDir;
  return Object.keys(agent).length > 0 ? { agent } : {};
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
