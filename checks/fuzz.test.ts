import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { FUZZ_SEEDS } from './fuzz-seeds.ts';
import { isWatchpostError, mutate, randomFrom } from './mutate.ts';
import { ROOT } from './source-files.ts';

/** A folder's `fuzz.ts`: takes any bytes, throws `malformed` or nothing. */
interface FuzzEntry {
  fuzz(bytes: Uint8Array): void | Promise<void>;
  /** Well-formed inputs, beside the files in `testdata/`. */
  readonly seeds?: readonly Uint8Array[];
}

const RUN_MS = Number(process.env['FUZZ_MS'] ?? 1000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_101);
const MAX_SEED_BYTES = 64 * 1024;

for (const file of globSync('packages/*/src/**/fuzz.ts', { cwd: ROOT }).sort()) {
  test(`${dirname(file)} survives broken bytes`, async (t) => {
    const entry = (await import(ROOT + file)) as FuzzEntry;
    const folder = dirname(file).replace('packages/', '');
    const real = [...(entry.seeds ?? []), ...(FUZZ_SEEDS[folder]?.() ?? []), ...testdataOf(file)];
    assert.ok(real.length > 0, `${file} needs a well-formed input: export seeds, or add some to fuzz-seeds.ts`);
    const seeds = [...real, new Uint8Array(0)];
    const random = randomFrom(SEED);
    const endMs = performance.now() + RUN_MS;
    let runs = 0;
    for (; performance.now() < endMs; runs++) {
      const seed = seeds[runs % seeds.length]!;
      // Each seed goes in once as it is.
      const bytes = runs < seeds.length ? seed : mutate(seed, seeds[random(seeds.length)]!, random);
      const startMs = performance.now();
      try {
        await entry.fuzz(bytes);
      } catch (error) {
        if (!isWatchpostError(error)) throw found(error, bytes, `FUZZ_SEED=${SEED}, run ${runs}`);
      }
      const tookMs = performance.now() - startMs;
      if (tookMs > 2000)
        throw found(new Error(`took ${Math.round(tookMs)} ms`), bytes, `FUZZ_SEED=${SEED}, run ${runs}`);
    }
    t.diagnostic(`${runs} inputs from ${seeds.length} seeds, FUZZ_SEED=${SEED}`);
  });
}

function testdataOf(file: string): Uint8Array[] {
  return globSync(`${dirname(file)}/**/testdata/**/*`, { cwd: ROOT, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => new Uint8Array(readFileSync(path)).subarray(0, MAX_SEED_BYTES));
}

/** Keeps the input, so that it can become a file in `testdata/`. */
function found(cause: unknown, bytes: Uint8Array, when: string): Error {
  const path = join(tmpdir(), `watchpost-fuzz-${Date.now()}.bin`);
  writeFileSync(path, bytes);
  return new Error(`${when}: ${bytes.length} bytes, kept in ${path}`, { cause });
}
