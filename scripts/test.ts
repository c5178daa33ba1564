import { existsSync, globSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { check } from './check.ts';
import { add, type Counts, NOTHING, runTests } from './run-tests.ts';
import { type FailedFile, runAgain } from './second-run.ts';

// ./test            everything but the long counts
// ./test --soak     the long counts (e2e/*.soak.ts) too
// ./test unit e2e   some stages: check, unit, e2e
// ./test FILE…      some files

/** Stages, told where to put the files of theirs that may run once more. */
const STAGES: Readonly<Record<string, (failed: FailedFile[]) => Promise<Counts>>> = {
  check,
  unit: () => runTests({ files: find('packages/**/*.test.ts'), concurrency: 2, timeoutMs: 60_000, limitMs: 600_000 }),
  e2e: (failed) => endToEnd(find('e2e/*.test.ts'), 300_000, failed),
  soak: () => oneByOne(find('e2e/*.soak.ts'), 3_600_000),
};

function find(pattern: string): string[] {
  return globSync(pattern, { exclude: (path) => path.includes('node_modules') }).sort();
}

/** They judge how long something took, or what the whole machine does, or play live in a browser: nothing else may run. */
const alone = (file: string) =>
  /(recorder-(kill|power-cut|disk)|doctor|cycles)\.test\.ts$/.test(file) ||
  (readFileSync(file, 'utf8').includes('chromium.launch') && !playsFiles(file));

/** A browser that plays what is recorded takes the time it needs. */
const playsFiles = (file: string) => /\/(fmp4|mp4-export|playback)\.test\.ts$/.test(file);

/** Two at a time, for most of them wait for what happens in real time; then those that must be alone. */
async function endToEnd(files: readonly string[], timeoutMs: number, failed: FailedFile[]): Promise<Counts> {
  const queue = files.filter((file) => !alone(file));
  const total = queue.length;
  let counts = NOTHING;
  const lane = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const lines = [`\n» ${file} (${total - queue.length} of ${total}, two at a time)`];
      const run = { files: [file], concurrency: 1, timeoutMs, limitMs: timeoutMs };
      const report = await runTests({ ...run, onLine: (line) => lines.push(line) });
      process.stdout.write(`${lines.join('\n')}\n`);
      if (report.failed > 0) failed.push({ file, report });
      counts = add(counts, report);
    }
  };
  await Promise.all([lane(), lane()]);
  return add(counts, await oneByOne(files.filter(alone), timeoutMs, failed));
}

/** One file after the other. */
async function oneByOne(files: readonly string[], timeoutMs: number, failed: FailedFile[] = []): Promise<Counts> {
  let counts = NOTHING;
  for (const [i, file] of files.entries()) {
    process.stdout.write(`\n» ${file} (${i + 1} of ${files.length})\n`);
    const report = await runTests({ files: [file], concurrency: 1, timeoutMs, limitMs: timeoutMs });
    if (report.failed > 0) failed.push({ file, report });
    counts = add(counts, report);
  }
  return counts;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { soak: { type: 'boolean' } }, allowPositionals: true });
  const files = positionals.filter((word) => !(word in STAGES));
  for (const file of files) {
    if (existsSync(file)) continue;
    process.stderr.write(
      `test: there is no file and no stage "${file}" — stages are ${Object.keys(STAGES).join(', ')}\n`,
    );
    return 2;
  }
  const asked = positionals.filter((word) => word in STAGES);
  const stages = positionals.length > 0 ? asked : ['check', 'unit', 'e2e'];
  if (values.soak && !stages.includes('soak')) stages.push('soak');
  const startMs = performance.now();
  let sum = NOTHING;
  const failedFiles: FailedFile[] = [];
  for (const stage of stages) {
    process.stdout.write(`\n» ${stage}\n`);
    sum = add(sum, await STAGES[stage]!(failedFiles));
  }
  if (files.length > 0) sum = add(sum, await oneByOne(files, 3_600_000));
  sum = await runAgain(sum, failedFiles);
  const { passed, failed, skipped, unsteady } = sum;
  process.stdout.write(`\nin ${Math.round((performance.now() - startMs) / 1000)} s\n`);
  const rest = `${skipped > 0 ? `, ${skipped} skipped` : ''}${unsteady > 0 ? `, ${unsteady} unsteady` : ''}`;
  process.stdout.write(`${passed} passed, ${failed} failed${rest}\n`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = await main();
