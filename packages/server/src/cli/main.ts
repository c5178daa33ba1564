import { runCommandLine } from './command-line.ts';

const status = await runCommandLine(process.argv);
// A command has closed what it opened; whatever still holds the loop (an idle keep-alive socket) must not hold the shell.
process.stdout.write('', () => process.exit(status));
