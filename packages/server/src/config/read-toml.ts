import type { TextMistake } from '@watchpost/base/text/mistake.ts';
import { parse, TomlError } from 'smol-toml';
import type { ConfigDocument } from './document.ts';
import { locateTomlKeys } from './toml-lines.ts';
import { explainToml } from './toml-mistakes.ts';

/** Reads TOML 1.0. */
export function readToml(text: string): ConfigDocument | TextMistake {
  try {
    return { value: parse(text), lines: locateTomlKeys(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const said = error.message.split('\n')[0]!.replace(/^Invalid TOML document:\s*/, '');
    return explainToml(said, text, error);
  }
}
