import { spawn } from 'node:child_process';
import { join, relative } from 'node:path';

/** What one stage, or all of them, came to. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Failed at first, passed when their file ran once more. */
  readonly unsteady: number;
}

/** What test files came to. */
export interface TestReport extends Counts {
  /** Names of the tests that failed. */
  readonly failures: readonly string[];
  /** Those of the files in which they are; all of them where that is not known. */
  readonly failedFiles: readonly string[];
}

/** How `node --test` is called. */
export interface TestRun {
  readonly files: readonly string[];
  /** Files at the same time, each in its process; or all in one process, so that what they import is loaded once. */
  readonly concurrency: number | 'one process';
  /** A test that runs longer has failed. */
  readonly timeoutMs: number;
  /** All of them together; then the runner is ended, which counts as a failure. */
  readonly limitMs: number;
  /** Takes the report line by line; it is shown as it comes if missing. */
  readonly onLine?: (line: string) => void;
}

export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0, unsteady: 0 };

/** The sum of two counts. */
export function add(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    unsteady: a.unsteady + b.unsteady,
  };
}

/** Runs test files with node's own runner and shows its report. A runner that dies counts as one failure. */
export async function runTests({
  files,
  concurrency,
  timeoutMs,
  limitMs,
  onLine = writeLine,
}: TestRun): Promise<TestReport> {
  if (files.length === 0) return { ...NOTHING, failures: [], failedFiles: [] };
  const args = [
    '--disable-warning=ExperimentalWarning',
    `--import=${join(import.meta.dirname, 'left-open.ts')}`,
    '--test',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
  ];
  const way = concurrency === 'one process' ? '--test-isolation=none' : `--test-concurrency=${concurrency}`;
  const limits = [way, `--test-timeout=${timeoutMs}`];
  const tail: string[] = [];
  const { status, signal } = await collect(
    process.execPath,
    [...args, ...limits, ...files],
    (line) => {
      onLine(line);
      tail.push(line);
      if (tail.length > 2000) tail.shift();
    },
    limitMs,
  );
  const counted = {
    ...NOTHING,
    passed: summary(tail, 'pass'),
    failed: summary(tail, 'fail') + summary(tail, 'cancelled'),
    skipped: summary(tail, 'skipped') + summary(tail, 'todo'),
    failures: failures(tail),
    failedFiles: failedFiles(tail, files),
  };
  if (status === 0 || counted.failed > 0) return counted;
  const ending = `the test runner ended with ${signal ?? status}`;
  onLine(`✘ ${ending}`);
  return { ...counted, failed: 1, failures: [ending], failedFiles: files };
}

/** Names below the heading of the report's last section. */
function failures(lines: readonly string[]): string[] {
  return lastSection(lines).flatMap((line) => /^✖ (.*?)(?: \([\d.]+ms\))?$/.exec(line)?.[1] ?? []);
}

/** Places there: `test at FILE:LINE:COLUMN`. A test may be written in a file that others share. */
function failedFiles(lines: readonly string[], all: readonly string[]): readonly string[] {
  const files = new Set(lastSection(lines).flatMap((line) => /^test at (.*):\d+:\d+$/.exec(line)?.[1] ?? []));
  const known = all.filter((file) => files.has(file) || files.has(relative('.', file)));
  return known.length === files.size ? known : all;
}

function lastSection(lines: readonly string[]): readonly string[] {
  const from = lines.lastIndexOf('✖ failing tests:');
  return from < 0 ? [] : lines.slice(from + 1);
}

/** Runs a program as one check: 1 passed or 1 failed. Its output is shown only where it failed. */
export async function runProgram(title: string, command: string, args: readonly string[]): Promise<Counts> {
  const startMs = performance.now();
  const lines: string[] = [];
  const { status } = await collect(command, args, (line) => lines.push(line));
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? '✔' : '✘'} ${title} (${seconds} s)\n`);
  if (status === 0) return { ...NOTHING, passed: 1 };
  process.stdout.write(`${lines.join('\n')}\n`);
  return { ...NOTHING, failed: 1 };
}

/** The last `ℹ pass 12` of the report. */
function summary(lines: readonly string[], word: string): number {
  for (let i = lines.length - 1; i >= 0; i--) {
    const match = new RegExp(`^ℹ ${word} (\\d+)$`).exec(lines[i]!.trim());
    if (match) return Number(match[1]);
  }
  return 0;
}

interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Shows a line of the report. */
export function writeLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Hundreds of processes read the same files: what one has compiled the others find, as the command line does. */
const compileCache = join(import.meta.dirname, '../.cache/node');

function collect(
  command: string,
  args: readonly string[],
  onLine: (line: string) => void,
  limitMs = 600_000,
): Promise<Ending> {
  return new Promise((resolve) => {
    const env = { NODE_COMPILE_CACHE: compileCache, ...process.env };
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    // Whoever ends the tests ends what they started.
    const stop = () => {
      child.kill('SIGTERM');
      process.exitCode = 1;
    };
    process.once('SIGTERM', stop);
    const limit = setTimeout(() => {
      onLine(`✘ not finished after ${limitMs / 1000} s; ended`);
      child.kill('SIGTERM');
    }, limitMs);
    let rest = '';
    const onData = (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    };
    child.stdout.setEncoding('utf8').on('data', onData);
    child.stderr.setEncoding('utf8').on('data', onData);
    child.once('error', (error) => {
      clearTimeout(limit);
      onLine(`${command}: ${error.message}`);
      resolve({ status: 127, signal: null });
    });
    child.once('close', (status, signal) => {
      process.off('SIGTERM', stop);
      clearTimeout(limit);
      if (rest !== '') onLine(rest);
      resolve({ status, signal });
    });
  });
}
