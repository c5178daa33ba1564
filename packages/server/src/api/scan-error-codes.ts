import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ErrorKind, httpStatusOf } from '@watchpost/base/errors.ts';
import type { ErrorCode } from './error-codes.ts';

/** Where errors are made that an answer, an event or a stream's `reason` can carry; the command line answers nobody. */
const sources = 'packages/{base,server,media}/src/**/*.ts';
const leftOut =
  /[.-]test\.ts$|\/test-(?!clock)|-bench|fixture|\/memory-|server\/src\/cli\/|media\/src\/(?!rtsp\/|rtmp\/)/;

type Part = 'text' | 'kind' | 'code' | 'status' | 'other';

const literal = /'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/.source;
/** A text, also one in pieces with `+` between them. */
const text = `(${literal}(?:\\s*\\+\\s*(?:${literal}))*)`;
const code = "'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|INTERNAL|defined_in_file)'";
/** How sources say what an error is, those that say most first; groups in `parts`. */
const forms: readonly { readonly pattern: RegExp; readonly parts: readonly Part[] }[] = [
  {
    pattern: new RegExp(`new WatchpostError\\(\\s*${text}?[^{;]*?\\{\\s*kind: '(\\w+)',\\s*code: ${code}`, 'g'),
    parts: ['text', 'kind', 'code'],
  },
  { pattern: new RegExp(`\\bkind: '(\\w+)',\\s*code: ${code}`, 'g'), parts: ['kind', 'code'] },
  { pattern: new RegExp(`\\[\\s*'(\\w+)',\\s*${code},`, 'g'), parts: ['kind', 'code'] },
  { pattern: new RegExp(`\\w\\(\\s*'(\\w+)',\\s*${code}(?:,\\s*${text})?`, 'g'), parts: ['kind', 'code', 'text'] },
  { pattern: new RegExp(`problemOf\\((\\d+), ${code}(?:,\\s*${text})?`, 'g'), parts: ['status', 'code', 'text'] },
  {
    pattern: new RegExp(`status: (\\d+),\\s*code: ${code},\\s*detail: ${text}`, 'g'),
    parts: ['status', 'code', 'text'],
  },
  { pattern: new RegExp(`(?:FieldError|fieldsProblem)\\([^;]*?,\\s*${code},?\\s*\\)`, 'g'), parts: ['code'] },
  { pattern: new RegExp(`\\bcode: ${code}(?:,\\s*tell: \\([^)]*\\) =>\\s*${text})?`, 'g'), parts: ['other', 'text'] },
  { pattern: new RegExp(`\\? ${code} : '[A-Z]+_`, 'g'), parts: ['other'] },
  { pattern: new RegExp(`\\? '[A-Z]+_[A-Z_]+' : ${code}`, 'g'), parts: ['other'] },
];

/** The codes of all errors in the sources below `root`, in order of their names, as they stand there. */
export function scanErrorCodes(root: string): Readonly<Record<string, ErrorCode>> {
  const found = new Map<string, { statuses: Set<number>; detail: string | undefined }>();
  // What the API says itself is said best there.
  const isOfApi = (file: string) => (file.startsWith('packages/server/src/api/') ? 0 : 1);
  const files = globSync(sources, { cwd: root })
    .filter((file) => !leftOut.test(file))
    .sort((a, b) => isOfApi(a) - isOfApi(b) || (a < b ? -1 : 1));
  for (const file of files)
    for (const { name, status, detail } of codesOf(readFileSync(join(root, file), 'utf8'))) {
      const known = found.get(name) ?? { statuses: new Set<number>(), detail: undefined };
      found.set(name, known);
      if (status !== undefined) known.statuses.add(status);
      known.detail ??= detail;
    }
  const entries = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    entries.map(([name, { statuses, detail }]) => [
      name,
      { statuses: [...statuses].sort(), ...(detail !== undefined && { detail }) },
    ]),
  );
}

interface Said {
  readonly name: string;
  readonly status: number | undefined;
  readonly detail: string | undefined;
}

function* codesOf(source: string): Generator<Said> {
  for (const { pattern, parts } of forms)
    for (const match of source.matchAll(pattern)) {
      const part = (name: Part) => (parts.includes(name) ? match[parts.indexOf(name) + 1] : undefined);
      const detail = plain(part('text'));
      const other = part('other');
      if (other !== undefined) yield { name: other, status: undefined, detail };
      const kind = part('kind') ?? 'invalid_argument';
      const status = part('status') ?? httpStatusOf[kind as ErrorKind];
      if (other === undefined && status !== undefined) yield { name: part('code')!, status: Number(status), detail };
    }
}

/** A message as it is told, with `…` where something is filled in; undefined where no part of it stands there. */
function plain(expression: string | undefined): string | undefined {
  const pieces = [...(expression ?? '').matchAll(new RegExp(literal, 'g'))].map(([piece]) => piece.slice(1, -1));
  const whole = pieces
    .join('')
    .replaceAll(/\$\{[^{}]*\}/g, '…')
    .replaceAll(/\\(.)/g, '$1');
  return whole === '' || whole.includes('${') ? undefined : whole;
}

/** The text of `error-codes.ts`, as the sources below `root` have it. */
export function writeErrorCodes(root: string): string {
  const lines = Object.entries(scanErrorCodes(root)).map(([name, entry]) => `  ${name}: ${JSON.stringify(entry)},\n`);
  return (
    '// Made from the sources by: node scripts/openapi.ts --write\n\n' +
    '/** What is known of a code without the error that carries it. */\nexport interface ErrorCode {\n' +
    '  /** HTTP statuses that it is answered with; empty where they depend on what happened. */\n  readonly statuses: readonly number[];\n' +
    '  /** What is wrong and what to do, as `detail` tells it; `…` stands for what differs. */\n  readonly detail?: string;\n}\n\n' +
    `/** The codes of all errors. */\nexport const errorCodes: Readonly<Record<string, ErrorCode>> = {\n${lines.join('')}};\n`
  );
}
