import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { AgentConfig } from './agent-config.ts';
import { isObject, type Json, merged } from './json.ts';
import { type JsonFile, parseJson } from './parse-json.ts';
import { readAgentConfig } from './read-config.ts';
import { configError } from './reader.ts';
import { changesThatHold, checkChanges, reachOf, readStored, registers, toStored } from './remote-changes.ts';

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

/** A configuration with other changes than it has now. */
export interface ChangedConfig {
  readonly config: AgentConfig;
  /** By the file alone, without any changes. */
  readonly local: AgentConfig;
  /** Keeps the changes for the next start. */
  save(): Promise<void>;
}

interface Place {
  readonly stateDir: string;
  /** Of the file's keys, where they alone count. */
  readonly places?: Map<string, string> | undefined;
}

/** What is configured at a start. */
export interface LoadedConfig {
  readonly config: AgentConfig;
  /** By the file alone, without any changes. */
  readonly local: AgentConfig;
  /** Keys that a server changed, and that are the file's again. */
  readonly dropped: readonly string[];
  /** Forgets these. */
  forget(): Promise<void>;
}

/**
 * The configuration of a machine: the file, then what a server changed remotely within what the file allows
 * (`changes.json` of the state folder), then environment, then flags. Where file and change are at odds, the file wins.
 */
export class ConfigSource {
  readonly #platform: Platform;
  readonly #file: string | undefined;
  readonly #flags: ConfigFlags;

  constructor(platform: Platform, file: string | undefined, flags: ConfigFlags = {}) {
    this.#platform = platform;
    this.#file = file;
    this.#flags = flags;
  }

  /** Throws `invalid_argument` (`AGENT_CONFIG_INVALID`) with file and key of each mistake of the file. */
  async load(): Promise<LoadedConfig> {
    const { base, local, stateDir } = await this.#read();
    const held = await this.#held(base, stateDir);
    const forget = () => this.#write(stateDir, base, held.changes);
    // Whoever takes no commands has none in force.
    if (!local.agent.allowCommands) return { config: local, local, dropped: [], forget: async () => {} };
    try {
      const config = this.#with(base, held.changes, { stateDir });
      // What was found in an earlier run is not known yet.
      const reach = reachOf(config, local, () => registers(local));
      if (reach) throw reach;
      return { config, local, dropped: held.dropped, forget };
    } catch {
      // The file alone is right: what a server added once does not keep it from being used.
      const dropped = [...held.dropped, ...Object.keys(held.changes)];
      return { config: local, local, dropped, forget: () => this.#write(stateDir, base, {}) };
    }
  }

  /**
   * The configuration with more changes; with `reset` instead of the ones before. Throws `forbidden` where the file does not
   * allow them, `invalid_argument` where they are wrong.
   */
  async change(asked: Json, { reset }: { readonly reset: boolean }): Promise<ChangedConfig> {
    const { base, local, stateDir } = await this.#read();
    checkChanges(asked, base);
    const changes = reset ? asked : merged((await this.#held(base, stateDir)).changes, asked);
    const config = this.#with(base, changes, { stateDir });
    return { config, local, save: () => this.#write(stateDir, base, changes) };
  }

  async #read(): Promise<{ base: Json; local: AgentConfig; stateDir: string }> {
    const read =
      this.#file === undefined ? { value: {}, places: undefined } : await readObject(this.#platform, this.#file);
    if (!read)
      throw configError(
        `${this.#file} does not exist — make one from the README of the agent, or name another with -c`,
      );
    const { value: base, places } = read;
    const named = merged(base, this.#outer())['agent'] as Json | undefined;
    const stateDir = typeof named?.['state_dir'] === 'string' ? named['state_dir'] : defaultStateDir;
    return { base, local: this.#with(base, {}, { stateDir, places }), stateDir };
  }

  #with(base: Json, changes: Json, { stateDir, places = new Map() }: Place): AgentConfig {
    const file = this.#file ?? 'the configuration';
    return readAgentConfig(merged(merged(base, changes), this.#outer(places)), { file, stateDir, places });
  }

  async #held(base: Json, stateDir: string): Promise<{ changes: Json; dropped: readonly string[] }> {
    let stored: Json;
    try {
      stored = (await readObject(this.#platform, changesPath(stateDir)))?.value ?? {};
    } catch (thrown) {
      if (toWatchpostError(thrown).code !== 'AGENT_CONFIG_INVALID') throw thrown;
      stored = {};
    }
    return changesThatHold(readStored(stored), base);
  }

  async #write(stateDir: string, base: Json, changes: Json): Promise<void> {
    const text = `${JSON.stringify(toStored(changes, base), null, 2)}\n`;
    await this.#platform.writeFile(changesPath(stateDir), new TextEncoder().encode(text));
  }

  /** What environment and flags say; `places` hears which of them says a key. */
  #outer(places?: Map<string, string>): Json {
    const agent: Json = {};
    const take = (key: string, value: string | undefined, origin: string) => {
      if (!value) return;
      agent[key] = value;
      places?.set(`agent.${key}`, origin);
    };
    for (const [name, key] of variables) take(key, this.#platform.environment(name), name);
    const { serverUrl, agentId, stateDir } = this.#flags;
    take('tunnel_server_url', serverUrl, '--server');
    take('agent_id', agentId, '--agent-id');
    take('state_dir', stateDir, '--state');
    return Object.keys(agent).length > 0 ? { agent } : {};
  }
}

function changesPath(stateDir: string): string {
  return `${stateDir}/changes.json`;
}

async function readObject(platform: Platform, file: string): Promise<(JsonFile & { value: Json }) | undefined> {
  const bytes = await platform.readFile(file);
  if (!bytes) return undefined;
  if (bytes.length > maxFileBytes) throw configError(`${file} is larger than 1 MB — this is no configuration`);
  const { value, places } = parseJson(bytes, file);
  if (isObject(value)) return { value, places };
  throw configError(`${file} must hold one object: { "agent": { … } }`);
}
