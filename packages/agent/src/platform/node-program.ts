import { parseArgs } from 'node:util';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import { Agent } from '../agent.ts';
import { type ConfigFlags, ConfigSource } from '../config/config-source.ts';
import { agentLogger, LogTail } from '../log.ts';
import { version } from '../version.ts';
import { nodePlatform } from './node-platform.ts';

/** Exit statuses: 75 asks the supervisor for a new start, 78 says that it would not help (sysexits.h). */
const exitStatus = { fine: 0, usage: 2, again: 75, configuration: 78 } as const;

/** Signals so soon after the first say the same. */
const sameSignalMs = 1000;

const usage = `watchpost agent: makes the cameras of this network reachable for a Watchpost server

  -c, --config FILE   configuration, JSON (or WATCHPOST_AGENT_SERVER_URL and WATCHPOST_AGENT_TOKEN)
  --server URL        address of the server: wss://HOST/tunnel
  --agent-id ID       name of this agent
  --state DIR         folder for identity and state (/var/lib/watchpost-agent)
  --check             only read the configuration, tell what is wrong
  -v, --verbose       say more
  --version
`;

/** Runs the agent until a signal comes, or a server asks for a restart; resolves to the exit status and never throws. */
export async function runAgentProgram(args: readonly string[]): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string', short: 'c' },
        server: { type: 'string' },
        'agent-id': { type: 'string' },
        state: { type: 'string' },
        check: { type: 'boolean' },
        verbose: { type: 'boolean', short: 'v' },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return print(usage);
    if (values.version) return print(`watchpost-agent ${version} (Node ${process.versions.node})\n`);
    const flags: ConfigFlags = {
      ...(values.server !== undefined && { serverUrl: values.server }),
      ...(values['agent-id'] !== undefined && { agentId: values['agent-id'] }),
      ...(values.state !== undefined && { stateDir: values.state }),
    };
    return await runAgent({
      file: values.config,
      flags,
      check: values.check === true,
      verbose: values.verbose === true,
    });
  } catch (thrown) {
    const error = toWatchpostError(thrown);
    process.stderr.write(`watchpost-agent: ${error.message}\n`);
    if (thrown instanceof TypeError && 'code' in thrown) return exitStatus.usage;
    return error.kind === 'invalid_argument' ? exitStatus.configuration : 1;
  }
}

/** How the agent is run. */
export interface RunOptions {
  readonly file: string | undefined;
  readonly flags: ConfigFlags;
  readonly check: boolean;
  readonly verbose: boolean;
}

/** As `runAgentProgram`, with flags that were read; throws for a wrong configuration. */
export async function runAgent({ file, flags, check, verbose }: RunOptions): Promise<number> {
  const platform = nodePlatform();
  const tail = new LogTail();
  const write = (line: string) => void process.stderr.write(line);
  const logger = agentLogger({ clock: platform.clock, verbose, tail, write });
  const stopped = stopSignal();
  const source = new ConfigSource(platform, file, flags);
  for (;;) {
    const { config, local, dropped, forget } = await source.load();
    if (check) return print('The configuration is right.\n');
    if (dropped.length > 0) {
      logger.warn('What a server changed holds no longer: agent.json was changed since, or does not allow it', {
        keys: dropped,
      });
      await forget().catch((error) => logger.error('changes.json cannot be written', { error }));
    }
    const agent = new Agent(config, {
      platform,
      logger,
      tail,
      version,
      local,
      source,
    });
    await agent.start();
    const why = await Promise.race([stopped, agent.ended]);
    await agent.stop();
    if (why === 'signal') return exitStatus.fine;
    // With a supervisor a new start is a new process, which may be a new version.
    if (platform.environment('WATCHPOST_AGENT_UPDATES') !== undefined) return exitStatus.again;
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return exitStatus.fine;
}

/**
 * Resolves at the first SIGINT or SIGTERM; one that comes later ends the program at once. Where a system goes down, its
 * init and our supervisor send one each at the same time.
 */
function stopSignal(): Promise<'signal'> {
  return new Promise((resolve) => {
    let firstMs: number | undefined;
    const onSignal = () => {
      const nowMs = performance.now();
      firstMs ??= nowMs;
      if (nowMs - firstMs > sameSignalMs) process.exit(1);
      resolve('signal');
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
