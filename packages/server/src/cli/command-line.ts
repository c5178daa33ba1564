import { toWatchpostError } from '@watchpost/base/errors.ts';
import { nearest } from '@watchpost/base/text/nearest.ts';
import { cac } from 'cac';
import { version } from '../version.ts';
import { type Command, EXIT, type Flags, usageError } from './command.ts';
import { COMMANDS } from './commands.ts';

type FlagText = Command['flags'][number];

const CONFIG_FLAG: FlagText = ['-c, --config <file>', 'configuration: TOML, YAML or JSON (default: ./watchpost.toml)'];
const COMMON_FLAGS: readonly FlagText[] = [
  ['-v, --verbose', 'say more'],
  ['--json', 'output for programs'],
];

/** Runs one call of the command line (`process.argv`); resolves to the exit status and never throws. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(argv);
  } catch (thrown) {
    const error = toWatchpostError(thrown);
    const name = error.code === 'CONFIG_INVALID' ? '' : 'watchpost: ';
    if (argv.includes('--json'))
      process.stdout.write(
        `${JSON.stringify({ error: { code: error.code, kind: error.kind, message: error.message } })}\n`,
      );
    process.stderr.write(`${name}${error.message}\n`);
    if (error.kind === 'internal' && thrown instanceof Error) process.stderr.write(`${thrown.stack}\n`);
    return error.kind === 'invalid_argument' ? EXIT.usage : EXIT.failed;
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const cli = cac('watchpost');
  let chosen: (() => Promise<number>) | undefined;
  for (const command of COMMANDS) register(cli, command, (call) => (chosen = call));
  cli.help();
  const first = argv[2];
  if (first === '--version' || first === '-V') return print(`watchpost ${version} (Node ${process.versions.node})`);
  if (first !== undefined && !first.startsWith('-')) checkName(first);
  checkFlags(argv);
  try {
    cli.parse([...argv], { run: false });
    if (cli.options['help'] === true) return EXIT.fine;
    if (first === undefined || cli.matchedCommand === undefined) {
      cli.outputHelp();
      return first === undefined ? EXIT.usage : EXIT.fine;
    }
    cli.runMatchedCommand();
  } catch (error) {
    if (error instanceof Error && error.name === 'CACError')
      throw usageError(`${error.message} — watchpost ${first} --help`);
    throw error;
  }
  return chosen ? await chosen() : EXIT.usage;
}

function register(cli: ReturnType<typeof cac>, command: Command, choose: (call: () => Promise<number>) => void): void {
  const registered = cli.command(command.usage, command.description);
  for (const [name, description] of flagsOf(command)) registered.option(name, description);
  for (const example of command.examples) registered.example(`  watchpost ${example}`);
  registered.action((...args: unknown[]) => {
    const flags = args.pop() as Flags;
    choose(() => command.run(args as (string | undefined)[], flags));
  });
}

/** All flags of a command; where it has a common one of its own, that counts. */
function flagsOf({ flags, needsNoConfig }: Command): readonly FlagText[] {
  const own = flags.map(([name]) => name);
  const common = needsNoConfig ? COMMON_FLAGS : [CONFIG_FLAG, ...COMMON_FLAGS];
  return [...flags, ...common.filter(([name]) => !own.includes(name))];
}

function checkName(name: string): void {
  const names = COMMANDS.map(({ usage }) => usage.split(' ')[0]!);
  if (names.includes(name)) return;
  const meant = nearest(name, names);
  throw usageError(
    `there is no command "${name}" — ${meant ? `did you mean "${meant}"?` : `there are ${names.join(', ')}`}`,
  );
}

/** cac names an unknown flag but no near one. */
function checkFlags(argv: readonly string[]): void {
  const command = COMMANDS.find(({ usage }) => usage.split(' ')[0] === argv[2]);
  if (!command) return;
  const known = [...flagsOf(command).map(([name]) => name), '-h, --help'].flatMap(
    (name) => name.match(/--?[a-z][a-z-]*/g) ?? [],
  );
  for (const word of argv.slice(3)) {
    if (word === '--') return;
    const flag = /^--[^=]+/.exec(word)?.[0];
    if (flag === undefined || known.includes(flag)) continue;
    const meant = nearest(flag, known);
    throw usageError(
      `${argv[2]} has no flag ${flag} — ${meant ? `did you mean ${meant}?` : `it has ${known.join(', ')}`}`,
    );
  }
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return EXIT.fine;
}
