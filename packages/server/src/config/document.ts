import { extname } from 'node:path';
import type { KeyPath } from './key-path.ts';
import { readJson } from './read-json.ts';
import { readToml } from './read-toml.ts';
import { readYaml } from './read-yaml.ts';

/** A document as a reader of one format hands it on: plain values, and where each key stands. */
export interface ConfigDocument {
  readonly value: Record<string, unknown>;
  /** Line (from 1) by `formatKeyPath`. */
  readonly lines: ReadonlyMap<string, number>;
}

/** A document that cannot be read at all. */
export interface ConfigSyntaxError {
  readonly line: number;
  readonly text: string;
}

/** How a format writes things, for messages that tell what to write. */
export interface ConfigFormat {
  readonly name: 'TOML' | 'YAML' | 'JSON';
  read(text: string): ConfigDocument | ConfigSyntaxError;
  /** A key with its value, which is written as in JSON. */
  assign(key: string, value: string): string;
  /** What to write where a section is missing around keys. */
  section(path: KeyPath): string;
  /** What to write where a list of tables has one table without a list around it. */
  tables(path: KeyPath): string;
}

const formats: Readonly<Record<ConfigFormat['name'], ConfigFormat>> = {
  TOML: {
    name: 'TOML',
    read: readToml,
    assign: (key, value) => `${key} = ${value}`,
    section: (path) => `[${path.join('.')}] and the keys below it`,
    tables: (path) => `[[${path.join('.')}]] with two brackets, once for each`,
  },
  YAML: {
    name: 'YAML',
    read: readYaml,
    assign: (key, value) => `${key}: ${value}`,
    section: (path) => `${path.at(-1)}: and the keys indented below it`,
    tables: (path) => `${path.at(-1)}: and below it a "-" before the first key of each`,
  },
  JSON: {
    name: 'JSON',
    read: readJson,
    assign: (key, value) => `"${key}": ${value}`,
    section: (path) => `"${path.at(-1)}": { … }`,
    tables: (path) => `"${path.at(-1)}": [{ … }]`,
  },
};

/** Endings of configuration files, in the order in which they are looked for. */
export const configEndings: readonly string[] = ['.toml', '.yaml', '.yml', '.json'];

/** The format of a file by the ending of its name; TOML where it has no known one. */
export function formatOf(file: string): ConfigFormat {
  const ending = extname(file).toLowerCase();
  if (ending === '.json') return formats.JSON;
  return ending === '.yaml' || ending === '.yml' ? formats.YAML : formats.TOML;
}
