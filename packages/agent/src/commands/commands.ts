import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import {
  asObject,
  flag,
  type JsonObject,
  oneOf,
  optionalNumber,
  optionalText,
  optionalWhole,
  text,
  whole,
} from '@watchpost/tunnel/json-object.ts';
import type { CommandName } from '@watchpost/tunnel/messages/server-message.ts';
import type { AllowList } from '../allow-list.ts';
import type { AgentConfig, Target } from '../config/agent-config.ts';
import type { ConfigSource } from '../config/config-source.ts';
import type { Json } from '../config/json.ts';
import { reachOf } from '../config/remote-changes.ts';
import type { LogTail } from '../log.ts';
import { OnvifCamera } from '../onvif/onvif-camera.ts';
import type { Platform } from '../platform/platform.ts';
import { takeSnapshot } from './snapshot.ts';
import { rememberUpdate, stageUpdate } from './update.ts';

const directions = {
  up: [0, 1, 0],
  down: [0, -1, 0],
  left: [-1, 0, 0],
  right: [1, 0, 0],
  up_left: [-1, 1, 0],
  up_right: [1, 1, 0],
  down_left: [-1, -1, 0],
  down_right: [1, -1, 0],
  zoom_in: [0, 0, 1],
  zoom_out: [0, 0, -1],
} as const;
const ptzCommands = [...(Object.keys(directions) as (keyof typeof directions)[]), 'stop', 'home', 'preset'] as const;
const maxMoveMs = 5000;
const defaultMoveMs = 500;
const defaultLogLines = 100;
const maxLogCharacters = 150_000;
/** Commands under way; a server that asks for more waits its turn. */
const maxAtOnce = 8;

/** What a command gave: fields for the answer, and a file that is too long for it. */
export interface CommandResult {
  readonly data?: JsonObject;
  readonly file?: { readonly name: string; readonly bytes: Uint8Array };
  /** The agent is to start anew once the answer is out. */
  readonly restart?: boolean;
}

/** What commands work on. */
export interface CommandDependencies {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly config: AgentConfig;
  readonly tail: LogTail;
  readonly version: string;
  readonly allowList: AllowList;
  readonly source: ConfigSource;
  /** Looks for cameras again; resolves to how many there are. */
  readonly discover: () => Promise<number>;
  /** The server must hear of other targets; channels to a closed one end. */
  readonly targetsChanged: (closed?: Target) => void;
  /** Where a camera's ONVIF service is, by name or host. */
  readonly findCamera: (
    name: string,
  ) => { host: string; onvifPort: number; username?: string | undefined; password?: string | undefined } | undefined;
}

/** Does what a server asks for, within the agent's own rules. */
export class Commands {
  readonly #deps: CommandDependencies;
  readonly #cameras = new Map<string, OnvifCamera>();
  #running = 0;

  constructor(deps: CommandDependencies) {
    this.#deps = deps;
  }

  /** Runs one; throws `WatchpostError` with what the server is to be told. */
  async run(command: CommandName, params: JsonObject): Promise<CommandResult> {
    const { config, logger } = this.#deps;
    if (!config.agent.allowCommands)
      throw new WatchpostError('this agent takes no commands: agent.allow_commands is false', {
        kind: 'forbidden',
        code: 'AGENT_COMMANDS_OFF',
      });
    if (this.#running >= maxAtOnce)
      throw new WatchpostError('too many commands at once — try again', {
        kind: 'resource_exhausted',
        code: 'AGENT_BUSY',
      });
    this.#running += 1;
    try {
      logger.info('The server asks for something', { command });
      return await this.#table[command](params);
    } catch (thrown) {
      const error = toWatchpostError(thrown);
      logger.warn('What the server asked for was not done', { command, error });
      throw error;
    } finally {
      this.#running -= 1;
    }
  }

  readonly #table: Readonly<Record<CommandName, (params: JsonObject) => Promise<CommandResult>>> = {
    restart: async () => ({ restart: true }),
    configure: (params) => this.#configure(params),
    snapshot: (params) => this.#snapshot(params),
    log_tail: (params) => this.#logTail(params),
    open_port: async (params) => this.#openPort(params),
    close_port: async (params) => this.#closePort(params),
    update: (params) => this.#update(params),
    ptz: (params) => this.#ptz(params),
    discover: async () => ({ data: { cameras: await this.#deps.discover() } }),
  };

  /** `config`: sections to lay over the configuration, `reset: true` to forget earlier ones. Takes hold by a restart, and widens nothing. */
  async #configure(params: JsonObject): Promise<CommandResult> {
    const asked = asObject(params['config'] ?? {}, 'config') as Json;
    const { allowList, source } = this.#deps;
    const { config, local, save } = await source.change(asked, { reset: flag(params, 'reset') });
    const reach = reachOf(config, local, (target) => allowList.isFound(target));
    if (reach) throw reach;
    await save();
    return { data: { restart_needed: true }, restart: true };
  }

  async #snapshot(params: JsonObject): Promise<CommandResult> {
    const { address, onvif } = this.#cameraOf(params);
    const path = optionalText(params, 'path', 500);
    const bytes = await takeSnapshot(this.#deps.platform, { ...address, path }, onvif);
    return { file: { name: 'snapshot.jpg', bytes }, data: { bytes: bytes.length, content_type: 'image/jpeg' } };
  }

  async #logTail(params: JsonObject): Promise<CommandResult> {
    const lines = this.#deps.tail.last(optionalWhole(params, 'lines', { min: 1, max: 1000 }) ?? defaultLogLines);
    let size = 0;
    const kept = [...lines].reverse().filter((line) => {
      size += line.length + 1;
      return size <= maxLogCharacters;
    });
    return { data: { lines: kept.reverse() } };
  }

  #openPort(params: JsonObject): CommandResult {
    const target = targetOf(params);
    if (!this.#deps.allowList.open(target)) throw notAllowed(target);
    this.#deps.targetsChanged();
    return {};
  }

  #closePort(params: JsonObject): CommandResult {
    const target = targetOf(params);
    this.#deps.allowList.close(target);
    this.#deps.targetsChanged(target);
    return {};
  }

  /** Answered before the new start; which version came up is told afterwards, as a notice. */
  async #update(params: JsonObject): Promise<CommandResult> {
    const { platform, config, version } = this.#deps;
    const url = optionalText(params, 'url', 2000);
    const bundle = params['bundle'];
    const sha256 = optionalText(params, 'sha256', 64);
    const offer = {
      version: text(params, 'version', 40),
      signature: text(params, 'signature', 100),
      ...(url !== undefined && { url }),
      ...(sha256 !== undefined && { sha256 }),
      ...(typeof bundle === 'string' && { bundle }),
    };
    const { stateDir, updateKey } = config.agent;
    await stageUpdate(platform, offer, { updateKey, present: version });
    await rememberUpdate(platform, stateDir, offer.version);
    return { restart: true, data: { version: offer.version, on_trial: true } };
  }

  /** `command`: a direction, zoom, `stop`, `home` or `preset` (with `preset`); `speed` 1…255 for `duration_ms`. */
  async #ptz(params: JsonObject): Promise<CommandResult> {
    const { onvif } = this.#cameraOf(params);
    const command = oneOf(params, 'command', ptzCommands);
    if (command === 'stop') await onvif.stop();
    else if (command === 'home') await onvif.goTo(undefined);
    else if (command === 'preset') await onvif.goTo(text(params, 'preset', 64));
    else {
      const speed = (optionalNumber(params, 'speed') ?? 128) / 255;
      const share = Math.max(0.01, Math.min(1, speed));
      const [pan, tilt, zoom] = directions[command];
      const durationMs = optionalWhole(params, 'duration_ms', { min: 1, max: maxMoveMs }) ?? defaultMoveMs;
      await onvif.move({ pan: pan * share, tilt: tilt * share, zoom: zoom * share }, durationMs);
    }
    return {};
  }

  #cameraOf(params: JsonObject) {
    const name = optionalText(params, 'camera', 64) ?? text(params, 'host', 255);
    const camera = this.#deps.findCamera(name);
    if (!camera)
      throw new WatchpostError(`there is no camera "${name}" here — "discover" looks again`, {
        kind: 'not_found',
        code: 'AGENT_NO_CAMERA',
      });
    const { host, onvifPort, username, password } = camera;
    const target = { host, port: onvifPort };
    if (!this.#deps.allowList.mayOpen(target)) throw notAllowed(target);
    const address = { host, port: onvifPort, username, password };
    const key = `${host} ${onvifPort}`;
    const onvif = this.#cameras.get(key) ?? new OnvifCamera(this.#deps.platform, address);
    this.#cameras.set(key, onvif);
    return { address, onvif };
  }
}

function targetOf(params: JsonObject): Target {
  return { host: text(params, 'host', 255).toLowerCase(), port: whole(params, 'port', { min: 1, max: 65_535 }) };
}

function notAllowed({ host, port }: Target): WatchpostError {
  return new WatchpostError(
    `${host}:${port} is not among the targets that this agent allows — add it to tunnel.targets on the agent itself`,
    { kind: 'forbidden', code: 'AGENT_TARGET_NOT_ALLOWED' },
  );
}
