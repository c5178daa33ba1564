import type { Logger } from '@watchpost/base/logger.ts';
import { AllowList } from './allow-list.ts';
import type { AgentConfig } from './config/agent-config.ts';
import type { Json } from './config/load-config.ts';
import { discoverCameras } from './discovery/discover.ts';
import type { FoundCamera } from './discovery/found-camera.ts';
import { openIdentity } from './identity.ts';
import type { LogTail } from './log.ts';
import type { Platform } from './platform/platform.ts';

/** What an agent needs besides its configuration. */
export interface AgentDependencies {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly tail: LogTail;
  readonly version: string;
  /** Reads the configuration with other remote changes; throws where they are wrong. */
  readonly check: (changes: Json) => Promise<AgentConfig>;
}

/** An agent between its start and its stop. */
export class Agent {
  readonly #config: AgentConfig;
  readonly #deps: AgentDependencies;
  readonly #allowList: AllowList;
  readonly #abort = new AbortController();
  #cameras: readonly FoundCamera[] = [];
  #end!: (why: 'restart') => void;
  /** Resolves where a server asked for a new start. */
  readonly ended: Promise<'restart'> = new Promise((resolve) => {
    this.#end = resolve;
  });

  constructor(config: AgentConfig, deps: AgentDependencies) {
    this.#config = config;
    this.#deps = deps;
    this.#allowList = new AllowList(config);
  }

  /** Opens the identity and begins; connecting goes on in the background. */
  async start(): Promise<void> {
    const { platform, logger, version } = this.#deps;
    const { stateDir, agentId, serverKey } = this.#config.agent;
    const identity = await openIdentity(platform, { stateDir, wantedId: agentId, serverKey });
    logger.info('The agent starts', { agent: identity.agentId, version, server: this.#config.agent.serverUrls[0] });
    void this.#discover();
  }

  /** Drains and closes everything. */
  async stop(): Promise<void> {
    this.#abort.abort();
  }

  async #discover(): Promise<void> {
    const { platform, logger } = this.#deps;
    this.#cameras = await discoverCameras({ platform, config: this.#config, signal: this.#abort.signal });
    logger.info('Cameras were looked for', {
      found: this.#cameras.length,
      cameras: this.#cameras.map(({ name }) => name),
    });
    this.#allowList.setFound([]);
    if (this.#cameras.length > 1e6) this.#end('restart');
  }
}
