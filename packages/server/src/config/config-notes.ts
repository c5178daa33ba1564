import type { EnvironmentNotes } from './environment.ts';
import { formatKeyPath, type KeyPath } from './key-path.ts';
import type { ConfigMessage } from './types.ts';

/** Messages about a file, each with the line of the nearest key that stands in it. */
export class ConfigNotes implements EnvironmentNotes {
  readonly errors: ConfigMessage[] = [];
  readonly warnings: ConfigMessage[] = [];
  /** Keys that older files have at another place. */
  readonly moved: { from: KeyPath; to: KeyPath }[] = [];
  /** Keys whose whole value is that of an environment variable. */
  readonly fromEnvironment: KeyPath[] = [];
  readonly #withoutValue = new Set<string>();
  readonly #variables = new Map<string, string>();
  readonly #file: string;
  readonly #lines: ReadonlyMap<string, number>;

  constructor(file: string, lines: ReadonlyMap<string, number>) {
    this.#file = file;
    this.#lines = lines;
  }

  error(path: KeyPath, text: string, cure?: string): void {
    // What is made of a value that is not there is no news.
    if (!this.#withoutValue.has(formatKeyPath(path))) this.errors.push(this.#message(path, text, cure));
  }

  warn(path: KeyPath, text: string, cure?: string): void {
    this.warnings.push(this.#message(path, text, cure));
  }

  missing(path: KeyPath, name: string): void {
    this.error(
      path,
      `the environment variable ${name} is not set`,
      `export ${name}=… before starting; a plain "\${" is written "$\${"`,
    );
    this.#withoutValue.add(formatKeyPath(path));
  }

  malformed(path: KeyPath, written: string): void {
    const name = /^\$\{\s*([A-Za-z_][A-Za-z0-9_]*)/.exec(written)?.[1] ?? 'NAME';
    this.error(
      path,
      `between "\${" and "}" stands the name of an environment variable, and nothing else`,
      `write \${${name}}; a plain "\${" is written "$\${"`,
    );
    this.#withoutValue.add(formatKeyPath(path));
  }

  inserted(path: KeyPath, name: string, isWhole: boolean): void {
    this.#variables.set(formatKeyPath(path), name);
    if (isWhole) this.fromEnvironment.push(path);
  }

  #message(path: KeyPath, said: string, cure?: string): ConfigMessage {
    const written = this.#asWritten(path);
    const key = formatKeyPath(written);
    const variable = this.#variables.get(key);
    const text = variable === undefined ? said : `${said} (with the environment variable ${variable})`;
    const base = { file: this.#file, key, text };
    for (let n = written.length; n > 0; n--) {
      const line = this.#lines.get(formatKeyPath(written.slice(0, n)));
      if (line !== undefined) return cure === undefined ? { ...base, line } : { ...base, line, cure };
    }
    return cure === undefined ? base : { ...base, cure };
  }

  /** Where a key that was moved stands in the file. */
  #asWritten(path: KeyPath): KeyPath {
    if (this.#lines.has(formatKeyPath(path))) return path;
    const move = this.moved.find(({ to }) => to.every((part, i) => path[i] === part));
    return move ? [...move.from, ...path.slice(move.to.length)] : path;
  }
}
