import { extname } from 'node:path';
import type { TextMistake } from '@watchpost/base/text/mistake.ts';
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

/** How a format writes things, for messages that tell what to write. */
export interface ConfigFormat {
  readonly name: 'TOML' | 'YAML' | 'JSON';
  read(text: string): ConfigDocument | TextMistake;
  /** A key with its value, which is written as in JSON. */
  assign(key: string, value: string): string;
  /** What to write where a section is missing around keys. */
  section(path: KeyPath): string;
  /** Where to write the key of such a path, whose lists are marked `[]`. */
  within(path: readonly string[]): string;
  /** What to write where a list of tables has one table without a list around it. */
  tables(path: KeyPath): string;
}

const formats: Readonly<Record<ConfigFormat['name'], ConfigFormat>> = {
  TOML: {
    name: 'TOML',
    read: readToml,
    assign: (key, value) => `${key} = ${value}`,
    section: (path) => `[${path.join('.')}] and the keys below it`,
    within: (path) =>
      path.length === 1
        ? 'write it above the first [section]'
        : `write it below ${path.some((part) => part.endsWith('[]')) ? 'one of ' : ''}${tomlHeader(path.slice(0, -1))}`,
    tables: (path) => `[[${path.join('.')}]] with two brackets, once for each`,
  },
  YAML: {
    name: 'YAML',
    read: readYaml,
    assign: (key, value) => `${key}: ${value}`,
    section: (path) => `${path.at(-1)}: and the keys indented below it`,
    within: (path) =>
      path.length === 1 ? 'write it without spaces before it' : `indent it below ${plainPath(path.slice(0, -1))}:`,
    tables: (path) => `${path.at(-1)}: and below it a "-" before the first key of each`,
  },
  JSON: {
    name: 'JSON',
    read: readJson,
    assign: (key, value) => `"${key}": ${value}`,
    section: (path) => `"${path.at(-1)}": { … }`,
    within: (path) =>
      path.length === 1
        ? 'write it within the outermost { }'
        : `write it within the { } of "${plainPath(path.slice(0, -1))}"`,
    tables: (path) => `"${path.at(-1)}": [{ … }]`,
  },
};

function tomlHeader(path: readonly string[]): string {
  const isList = path.at(-1)!.endsWith('[]');
  return isList ? `[[${plainPath(path)}]]` : `[${plainPath(path)}]`;
}

function plainPath(path: readonly string[]): string {
  return path.join('.').replaceAll('[]', '');
}

/** Endings of configuration files, in the order in which they are looked for. */
export const configEndings: readonly string[] = ['.toml', '.yaml', '.yml', '.json'];

/** The format of a file by the ending of its name; TOML where it has no known one. */
export function formatOf(file: string): ConfigFormat {
  const ending = extname(file).toLowerCase();
  if (ending === '.json') return formats.JSON;
  return ending === '.yaml' || ending === '.yml' ? formats.YAML : formats.TOML;
}
