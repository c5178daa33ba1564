import { runAgent } from '@watchpost/agent/platform/node-program.ts';
import { type Command, textFlag } from './command.ts';

/** `watchpost agent`: the edge agent, from the sources of this clone; packages have it as one file. */
export const agentCommand: Command = {
  usage: 'agent',
  description: 'Run the edge agent: makes the cameras of this network reachable for a server',
  flags: [
    ['--server <url>', 'address of the server: wss://HOST/tunnel'],
    ['--agent-id <id>', 'name of this agent; made from the name of the machine if missing'],
    ['--state <folder>', 'identity and state (/var/lib/watchpost-agent)'],
    ['-c, --config <file>', 'its own configuration, agent.json; flags override it'],
    ['--check', 'only read the configuration and tell what is wrong'],
  ],
  examples: ['agent -c agent.json', 'agent -c agent.json --check'],
  async run(_args, flags) {
    const serverUrl = textFlag(flags, 'server');
    const agentId = textFlag(flags, 'agentId');
    const stateDir = textFlag(flags, 'state');
    return await runAgent({
      file: textFlag(flags, 'config'),
      flags: {
        ...(serverUrl !== undefined && { serverUrl }),
        ...(agentId !== undefined && { agentId }),
        ...(stateDir !== undefined && { stateDir }),
      },
      check: flags['check'] === true,
      verbose: flags['verbose'] === true,
    });
  },
};
