import { existsSync, globSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { check } from './check.ts';
import { groupsOf, runGroups } from './end-to-end.ts';
import { add, type Counts, NOTHING, type TestReport } from './run-tests.ts';
import { runAgain } from './second-run.ts';
import { runUnits } from './unit-tests.ts';

// ./test            everything but the long counts
// ./test --soak     the long counts (e2e/*.soak.ts) too
// ./test unit e2e   some stages: check, unit, e2e
// ./test FILE…      some files

/** Stages, told where to put those reports of failures whose files may run once more. */
const STAGES: Readonly<Record<string, (failed: TestReport[]) => Promise<Counts>>> = {
  check,
  unit: (failed) => runUnits(find('packages/**/*.test.ts'), failed),
  e2e: (failed) => runGroups(groupsOf(find('e2e/*.test.ts')), 300_000, failed),
  soak: () => oneByOne(find('e2e/*.soak.ts')),
};

function find(pattern: string): string[] {
  return globSync(pattern, { exclude: (path) => path.includes('node_modules') }).sort();
}

function oneByOne(files: readonly string[]): Promise<Counts> {
  return runGroups([{ lanes: [[[...files]]], note: '' }], 3_600_000);
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
  const reports: TestReport[] = [];
  for (const stage of stages) {
    process.stdout.write(`\n» ${stage}\n`);
    sum = add(sum, await STAGES[stage]!(reports));
  }
  if (files.length > 0) sum = add(sum, await oneByOne(files));
  sum = await runAgain(sum, reports);
  const { passed, failed, skipped, unsteady } = sum;
  process.stdout.write(`\nin ${Math.round((performance.now() - startMs) / 1000)} s\n`);
  const rest = `${skipped > 0 ? `, ${skipped} skipped` : ''}${unsteady > 0 ? `, ${unsteady} unsteady` : ''}`;
  process.stdout.write(`${passed} passed, ${failed} failed${rest}\n`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = await main();
