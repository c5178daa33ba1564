import { parse, TomlError } from 'smol-toml';
import type { ConfigDocument, ConfigSyntaxError } from './document.ts';
import { locateTomlKeys } from './toml-lines.ts';

/** Reads TOML 1.0. */
export function readToml(text: string): ConfigDocument | ConfigSyntaxError {
  try {
    return { value: parse(text), lines: locateTomlKeys(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const said = error.message.split('\n')[0]!.replace(/^Invalid TOML document:\s*/, '');
    const written = text.split('\n')[error.line - 1]?.trim() ?? '';
    return { line: error.line, text: `${said} (column ${error.column})${cureOf(written)}` };
  }
}

/** What people most often mean by a line that is not TOML. */
function cureOf(written: string): string {
  const assigned = /^([A-Za-z0-9_.-]+)\s*=\s*(.+)$/.exec(written);
  if (assigned && /^[A-Za-z./~$]/.test(assigned[2]!))
    return ` — text stands in quotes: ${assigned[1]} = "${assigned[2]!.replaceAll('"', '')}"`;
  const colon = /^([A-Za-z0-9_-]+):\s+/.exec(written);
  if (colon) return ` — write ${colon[1]} = …; this looks like YAML`;
  return '';
}
