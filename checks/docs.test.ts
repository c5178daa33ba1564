import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { ROOT, repositoryFiles, sourceFiles, textOf } from './source-files.ts';

const exists = (path: string) => existsSync(ROOT + path);

/** The part of a Markdown text below the heading that matches, up to the next heading of the same rank or higher. */
function section(markdown: string, heading: RegExp): string {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && heading.test(line));
  if (start < 0) return '';
  const rank = /^#+/.exec(lines[start]!)![0].length;
  const end = lines.findIndex((line, i) => i > start && new RegExp(`^#{1,${rank}} `).test(line));
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n');
}

/** Words in backticks. */
function quoted(markdown: string): string[] {
  return [...markdown.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);
}

const isPath = (word: string) =>
  /^[\w.@/-]+\/[\w.@/-]*$|^[\w.-]+\.(ts|tsx|md|toml|json|sh)$/.test(word) &&
  !word.startsWith('/') &&
  !word.startsWith('@');

/** The file of that path, which may leave out `packages/`, `packages/NAME/src/` in front. */
function isInRepository(path: string, files: readonly string[]): boolean {
  const bare = path.replace(/\/$/, '');
  return (
    exists(bare) ||
    files.some((file) => file.endsWith(`/${bare}`) || file.includes(`/${bare}/`) || file.startsWith(`${bare}/`))
  );
}

test('ARCHITECTURE.md is one page', () => {
  assert.ok(textOf('ARCHITECTURE.md').split('\n').length <= 150);
});

test('each path and function that "follow one frame" and "one connection" name exists', () => {
  const text = textOf('ARCHITECTURE.md');
  const frame = section(text, /follow one frame/i);
  assert.notEqual(frame, '', 'ARCHITECTURE.md has a heading "Follow one frame"');
  const files = repositoryFiles();
  const code = sourceFiles().map(textOf).join('\n');
  const missing = quoted(frame + section(text, /follow one connection/i)).filter((word) => {
    if (isPath(word)) return !isInRepository(word, files);
    const call = /^(?:[\w$]+\.)*#?([\w$]+)\(.*\)$/.exec(word);
    return (
      call !== null &&
      !new RegExp(`(function\\*?|const|get|async|static|#|^)?\\s*\\b${call[1]}\\b\\s*[(<=:]`, 'm').test(code)
    );
  });
  assert.deepEqual(missing, []);
  assert.ok(
    quoted(frame).some((word) => word.endsWith(')')),
    'it names functions',
  );
});

test('each file that SPECS.md names exists', () => {
  const files = repositoryFiles();
  const named = quoted(textOf('SPECS.md')).filter(isPath);
  assert.ok(named.length > 0);
  assert.deepEqual(
    named.filter((path) => !isInRepository(path, files)),
    [],
  );
});

test('relative links of Markdown files lead somewhere', () => {
  const broken = repositoryFiles()
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) =>
      [...textOf(path).matchAll(/\]\(([^)\s]+)\)/g)]
        .map((match) => match[1]!)
        .filter((target) => !/^[a-z]+:|^#/.test(target))
        .filter((target) => !exists(posix.join(posix.dirname(path), decodeURI(target.split('#')[0]!))))
        .map((target) => `${path}: ${target}`),
    );
  assert.deepEqual(broken, []);
});

test('README.md opens with the two commands', () => {
  const opening = textOf('README.md').split('\n').slice(0, 30).join('\n');
  const run = opening.indexOf('./run');
  assert.ok(run >= 0 && opening.indexOf('./test') > run, './run, then ./test, in its first 30 lines');
});

test('each protocol and each storage backend has a README of at most 30 lines', () => {
  const wrong: string[] = [];
  for (const parent of ['packages/server/src/protocols', 'packages/server/src/storage']) {
    for (const entry of readdirSync(ROOT + parent, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const readme = `${parent}/${entry.name}/README.md`;
      if (!exists(readme)) wrong.push(`${readme} is missing`);
      else if (textOf(readme).trimEnd().split('\n').length > 30) wrong.push(`${readme} is longer than 30 lines`);
    }
  }
  assert.deepEqual(wrong, []);
});
