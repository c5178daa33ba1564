import { WatchpostError } from '@watchpost/base/errors.ts';

/** Exit statuses: fine, failed, wrong usage or configuration. */
export const EXIT = { fine: 0, failed: 1, usage: 2 } as const;

/** What the parser made of the flags of one call; camel case. */
export type Flags = Readonly<Record<string, unknown>>;

/** One command: a file in this folder, a line in `commands.ts`. */
export interface Command {
  /** Name and arguments as cac reads them: `user <action> [name]`. */
  readonly usage: string;
  readonly description: string;
  /** Flags besides the common ones: `['--demo', 'what it does']`. */
  readonly flags: readonly (readonly [name: string, description: string])[];
  readonly examples: readonly string[];
  /** It reads no configuration of the server: `-c` is refused. */
  readonly needsNoConfig?: true;
  /** Resolves to the exit status. A `WatchpostError` that is thrown is shown without its stack. */
  run(args: readonly (string | undefined)[], flags: Flags): Promise<number>;
}

/** Wrong use of the command line: exit status 2. */
export function usageError(message: string): WatchpostError {
  return new WatchpostError(message, { kind: 'invalid_argument', code: 'CLI_USAGE' });
}

/** The text of a flag, if it was given; a flag without its text is an error. */
export function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  if (value === undefined || value === false) return undefined;
  if (value === true) throw usageError(`--${name} needs a value after it`);
  if (Array.isArray(value)) throw usageError(`--${name} was given ${value.length} times; once is enough`);
  return String(value);
}
