import { runAgentProgram } from './platform/node-program.ts';

// The program of packages: `agent.js -c FILE`. In a clone it is `watchpost agent`.
const status = await runAgentProgram(process.argv.slice(2));
process.stdout.write('', () => process.exit(status));
