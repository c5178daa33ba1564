import { readFileSync } from 'node:fs';
import { add, type Counts, NOTHING, runTests, type TestReport } from './run-tests.ts';

const filesAtOnce = 20;
const processes = 3;
const limits = { timeoutMs: 60_000, limitMs: 600_000 };

/** Of one process only one may wait for others at a time. */
const waits =
  /node:(net|https?|http2|tls|dgram|child_process|timers|worker_threads)|WebSocket|setTimeout|wait\(|until\(/;
/** Hooks outside of a suite are those of all files in the same process. */
const hasHooks = /^(before|after|beforeEach|afterEach)\(/m;

/**
 * Files that may share a process, neighbours together, and those that may not. To load what it tests is most of what a file
 * takes, and neighbours load much of the same.
 */
export function sharesOf(files: readonly string[]): { readonly shared: string[][]; readonly single: string[] } {
  const mayNot = (file: string) => {
    const text = readFileSync(file, 'utf8');
    return waits.test(text) || hasHooks.test(text);
  };
  const single = files.filter(mayNot);
  const others = files.filter((file) => !single.includes(file));
  const shared: string[][] = [];
  for (let at = 0; at < others.length; at += filesAtOnce) shared.push(others.slice(at, at + filesAtOnce));
  return { shared, single };
}

/** Runs unit tests, some processes beside each other. */
export async function runUnits(files: readonly string[], failed: TestReport[]): Promise<Counts> {
  const { shared, single } = sharesOf(files);
  let counts = NOTHING;
  const count = (report: TestReport) => {
    if (report.failed > 0) failed.push(report);
    counts = add(counts, report);
  };
  const runNext = async () => {
    for (let batch = shared.shift(); batch !== undefined; batch = shared.shift()) {
      const lines: string[] = [];
      const report = await runTests({
        files: batch,
        concurrency: 'one process',
        ...limits,
        onLine: (line) => lines.push(line),
      });
      process.stdout.write(`${lines.join('\n')}\n`);
      count(report);
    }
  };
  await Promise.all(Array.from({ length: processes }, runNext));
  count(await runTests({ files: single, concurrency: processes, ...limits }));
  return counts;
}
