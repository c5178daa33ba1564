import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT, repositoryFiles, sourceFiles, textOf, withoutText } from './source-files.ts';

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 60;
/** Of a component: markup is closer to a table. */
const MAX_COMPONENT_LINES = 100;

const isTest = (path: string) => /\.(test|soak)\.tsx?$/.test(path) || /^(checks|e2e|bench)\//.test(path);
const sources = sourceFiles();

/** Functions with a body, by their opening line: declarations, methods, arrow functions. */
export function functionsOf(source: string): { line: number; lines: number; name: string }[] {
  const blank = withoutText(source);
  const heads =
    /(?:^|\n)[ \t]*(?:(?:export\s+)?(?:default\s+)?(?:async\s+)?function\*?\s*([\w$]*)\s*(?:<[^{}()]*>)?\(|(?:(?:static|async|override|get|set|private|protected|public)\s+)*(#?[\w$]+)\s*(?:<[^{}()]*>)?\((?=[^;{}]*\)[^;{}=]*\{[ \t]*\n)|(?:export\s+)?const\s+([\w$]+)[^\n=]*=\s*(?:async\s*)?\()/g;
  const found: { line: number; lines: number; name: string }[] = [];
  for (const match of blank.matchAll(heads)) {
    const name = match[1] || match[2] || match[3] || '(anonymous)';
    if (['if', 'for', 'while', 'switch', 'catch', 'return'].includes(name)) continue;
    const open = bodyStart(blank, match.index + match[0].length - 1);
    if (open < 0) continue;
    const close = matching(blank, open);
    const line = lineOf(blank, match.index + (match[0].startsWith('\n') ? 1 : 0));
    found.push({ line, lines: lineOf(blank, close) - line + 1, name });
  }
  return found;
}

/** The `{` of the body whose parameters open at `paren`; -1 for expressions and overloads. */
function bodyStart(text: string, paren: number): number {
  let at = matching(text, paren) + 1;
  for (let depth = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '{' && depth === 0) {
      // A type literal as a return type is followed by the body.
      const before = text.slice(0, at).trimEnd();
      if (!/[:|&]$/.test(before)) return at;
      at = matching(text, at);
    } else if (character === '<' || character === '(' || character === '[') depth++;
    else if (character === ']' || character === ')') depth--;
    else if (character === '>' && text[at - 1] !== '=') depth--;
    else if (depth === 0 && character === ';') return -1;
    else if (depth === 0 && text.startsWith('=>', at))
      return /^=>\s*\{/.test(text.slice(at)) ? text.indexOf('{', at) : -1;
    if (depth < 0) return -1;
  }
  return -1;
}

function matching(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if ('({['.includes(text[at]!)) depth++;
    else if (')}]'.includes(text[at]!) && --depth === 0) return at;
  }
  return text.length - 1;
}

function lineOf(text: string, at: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

test('files are no longer than 400 lines', () => {
  const long = sources
    .filter((path) => !isTest(path))
    .map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_FILE_LINES);
  assert.deepEqual(long, []);
});

test('functions are no longer than 60 lines', () => {
  const long = sources
    .filter((path) => !isTest(path))
    .flatMap((path) => functionsOf(textOf(path)).map((found) => ({ path, ...found })))
    .filter(({ path, lines }) => lines > (path.endsWith('.tsx') ? MAX_COMPONENT_LINES : MAX_FUNCTION_LINES))
    .map(({ path, line, name, lines }) => `${path}:${line} ${name} has ${lines} lines`);
  assert.deepEqual(long, []);
});

test('the scanner of functions measures them', () => {
  const body = (n: number) => '  call("}");\n'.repeat(n);
  const cases: [source: string, lines: number][] = [
    [`function a(x: { b: 1 }): { c: 2 } {\n${body(3)}}\n`, 5],
    [`export async function a<T>(x: T): Promise<T> {\n${body(70)}}\n`, 72],
    [`class A {\n  async #b(x = '{'): Promise<void> {\n${body(4)}  }\n}\n`, 6],
    [`const a = (x: number): string => {\n${body(2)}};\n`, 4],
    [`const a = async () => {\n  // }\n${body(2)}};\n`, 5],
  ];
  for (const [source, lines] of cases) assert.equal(functionsOf(source)[0]?.lines, lines, source);
});

test('names of files are kebab-case and say what is in them', () => {
  const vague = /^(utils?|helpers?|misc|common|managers?|shared|stuff)$/;
  const wrong = sources.filter((path) => {
    const name = path.split('/').at(-1)!;
    const stem = name.replace(/(\.(test|soak|config|d))?\.tsx?$/, '');
    return (
      !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem) || vague.test(stem) || path.split('/').some((folder) => vague.test(folder))
    );
  });
  assert.deepEqual(wrong, []);
});

test('each exported symbol has a doc comment', () => {
  const bare: string[] = [];
  for (const path of sources) {
    if (isTest(path) || !/^packages\/(base|media|tunnel|agent|server|simulator)\/src\//.test(path)) continue;
    const lines = textOf(path).split('\n');
    lines.forEach((line, i) => {
      const exported =
        /^export\s+(?:default\s+)?(?:abstract\s+)?(?:async\s+)?(?:class|function\*?|const|let|interface|type)\s+([\w$]+)/.exec(
          line,
        );
      if (!exported) return;
      const before = lines[i - 1]?.trim() ?? '';
      // The second signature of an overload has its comment at the first.
      const isOverload = before.startsWith(`export function ${exported[1]}(`);
      if (!before.endsWith('*/') && !isOverload) bare.push(`${path}:${i + 1} ${exported[1]}`);
    });
  }
  assert.deepEqual(bare, []);
});

test('nothing is left for later in a comment', () => {
  const words = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`);
  assert.deepEqual(linesWith(sources, words), []);
});

test('no file names a place of one machine', () => {
  const text = repositoryFiles().filter(
    (path) =>
      /\.(ts|tsx|md|json|toml|css|html|sh|ya?ml)$/.test(path) &&
      path !== 'package-lock.json' &&
      path !== 'checks/conventions.test.ts',
  );
  const here = ROOT.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const machinePlace = new RegExp(`(/home/[a-z]+/|/Users/[A-Za-z]+/|${here})`);
  assert.deepEqual(linesWith(text, machinePlace), []);
});

test('the lock file names no registry', () => {
  const lock: { packages: Record<string, { resolved?: string; link?: boolean }> } = JSON.parse(
    textOf('package-lock.json'),
  );
  const wrong = Object.entries(lock.packages)
    .filter(([, { resolved }]) => resolved !== undefined && /^https?:/.test(resolved))
    .map(([name]) => name);
  assert.deepEqual(wrong, []);
});

function linesWith(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim().slice(0, 100)}`] : [])),
  );
}
