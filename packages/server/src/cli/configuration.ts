import { existsSync } from 'node:fs';
import { configEndings } from '../config/document.ts';
import { formatConfigMessage, loadConfig, readConfigText } from '../config/load.ts';
import type { Config, ConfigMessage, LoadedConfig } from '../config/types.ts';
import { configSections } from '../registry.ts';
import { type Flags, textFlag, usageError } from './command.ts';

/**
 * The file that `-c` names, else `watchpost.toml` (or `.yaml`, `.yml`, `.json`) of this folder; undefined where there is
 * none. Throws `invalid_argument` where there are several: nobody should guess which one counts.
 */
export function configFile(flags: Flags): string | undefined {
  const named = textFlag(flags, 'config');
  if (named !== undefined) return named;
  const found = configEndings.map((ending) => `watchpost${ending}`).filter((file) => existsSync(file));
  if (found.length > 1) throw usageError(`there are ${found.join(' and ')} — name the one that counts with -c FILE`);
  return found[0];
}

/** Loads `configFile`, warnings go to standard error. Throws `invalid_argument` where there is none or it is wrong. */
export async function configOf(flags: Flags): Promise<Config> {
  return (await loadedConfig(flags)).config;
}

/** `configOf`, with what it takes to read the file again. */
export async function loadedConfig(flags: Flags): Promise<LoadedConfig> {
  const file = configFile(flags);
  if (file === undefined)
    throw usageError(
      'there is no watchpost.toml here — name a configuration with -c FILE, or copy watchpost.example.toml',
    );
  const loaded = await loadConfig(file, configSections);
  for (const warning of loaded.warnings) process.stderr.write(`${formatConfigMessage(warning)}\n`);
  return loaded;
}

/** `configOf`, or that of the demo where it has run in this folder; for commands that work on what is stored. */
export async function configOrDefault(flags: Flags): Promise<Config> {
  return configFile(flags) === undefined && existsSync('data/watchpost.db') ? defaultConfig() : await configOf(flags);
}

/** What an empty file in this folder means, or `text`; `words`: what people know its keys as. */
export function defaultConfig(text = '', words: Readonly<Record<string, string>> = {}): Config {
  const { config, errors } = readConfigText(text, configSections, { file: 'built-in', environment: {} });
  if (config) return config;
  const told = errors.map((error) => {
    const word = words[error.key.split('.').at(-1) ?? ''];
    return word === undefined
      ? formatConfigMessage(error)
      : formatConfigMessage({ file: word, key: '', ...said(error) });
  });
  throw usageError(told.join('\n'));
}

function said({ text, cure }: ConfigMessage): Pick<ConfigMessage, 'text' | 'cure'> {
  return { text, ...(cure !== undefined && { cure }) };
}
