import { posix } from 'node:path';
import { textOf } from './source-files.ts';

/** That a source names another file, or a package. */
export interface SourceImport {
  /** Relative to the root. */
  readonly from: string;
  /** The same for files of the repository; else what stands there. */
  readonly to: string;
  /** Nothing of a type is left when the program runs. */
  readonly typeOnly: boolean;
}

/** What a source imports, or exports from elsewhere. */
export function importsOf(path: string): SourceImport[] {
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s)?[^'";]*?from\s*'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;
  return [...textOf(path).matchAll(pattern)].map((match) => {
    const specifier = match[3] ?? match[4] ?? match[5]!;
    return { from: path, to: resolveImport(path, specifier), typeOnly: match[2] !== undefined };
  });
}

function resolveImport(path: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier);
  const own = /^@watchpost\/([a-z]+)\/(.+)$/.exec(specifier);
  return own ? `packages/${own[1]}/src/${own[2]}` : specifier;
}
