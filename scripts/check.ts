import { existsSync, globSync } from 'node:fs';
import { add, type Counts, NOTHING, runProgram, runTests } from './run-tests.ts';

/** Style, types, and the tests of the repository itself; under a minute. */
export async function check(): Promise<Counts> {
  let counts = NOTHING;
  const bin = (name: string) => `node_modules/.bin/${name}`;
  counts = add(counts, await runProgram('style (biome)', bin('biome'), ['ci', '--colors=off', '.']));
  counts = add(counts, await runProgram('types', bin('tsc'), ['-p', 'tsconfig.json']));
  const consoleConfig = 'packages/console/tsconfig.json';
  if (existsSync(consoleConfig))
    counts = add(counts, await runProgram('types of the console', bin('tsc'), ['-p', consoleConfig]));
  const files = globSync('checks/*.test.ts').sort();
  return add(counts, await runTests({ files, concurrency: 2, timeoutMs: 120_000, limitMs: 300_000 }));
}

if (import.meta.main) {
  const { passed, failed } = await check();
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
