import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The root of the clone, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** Files of the repository (tracked ones and new ones that are not ignored), relative to the root. */
export function repositoryFiles(): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', ['-c', 'safe.directory=*', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return [...new Set(listed.split('\0'))].filter((path) => path !== '' && existsSync(ROOT + path)).sort();
}

/** Sources that people write: TypeScript without what a program generated. */
export function sourceFiles(): string[] {
  return repositoryFiles().filter((path) => /\.tsx?$/.test(path) && !/\/api-types\.ts$|\.d\.ts$/.test(path));
}

/** The text of a file of the repository. */
export function textOf(path: string): string {
  return readFileSync(ROOT + path, 'utf8');
}

/** Same length and lines, with the inside of comments, strings and templates blanked, so that braces and words in them do not count. */
export function withoutText(source: string): string {
  const pattern =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[=(,:[!&|?{};\n]\s*|return\s)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/[a-z]*/g;
  return source.replaceAll(pattern, (text) => text.replaceAll(/[^\n]/g, ' '));
}
