import { readJsonText } from '@watchpost/base/text/json-reader.ts';
import type { TextMistake } from '@watchpost/base/text/mistake.ts';
import type { ConfigDocument } from './document.ts';
import { isTable } from './key-path.ts';

/** Reads JSON (RFC 8259); a key twice is a mistake. */
export function readJson(text: string): ConfigDocument | TextMistake {
  const reading = readJsonText(text, 'remove it, or write the configuration in TOML or YAML, which have comments');
  if (!('mistake' in reading)) {
    const { value, lines } = reading;
    if (isTable(value)) return { value, lines };
    return { line: 1, column: 1, text: 'there are no keys in it', cure: 'write { … } around them' };
  }
  const { mistake } = reading;
  if (/^\s*(\[\[?[a-z_.]+\]|[a-z_.]+\s*=)/m.test(text) && !/^\s*\{/.test(text))
    return { ...mistake, text: 'this looks like TOML', cure: 'name the file watchpost.toml' };
  if (/^[a-z_]+:/m.test(text) && !/^\s*\{/.test(text))
    return { ...mistake, text: 'this looks like YAML', cure: 'name the file watchpost.yaml' };
  return mistake;
}
