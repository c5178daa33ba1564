import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { add, NOTHING, runTests } from '../scripts/run-tests.ts';
import { type FailedFile, runAgain } from '../scripts/second-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'second-run-'));
after(() => rmSync(folder, { recursive: true, force: true }));
// A runner within a runner would report to the outer one.
delete process.env['NODE_TEST_CONTEXT'];

/** Fails as long as this runs for the first time. */
const atFirst = `
  import { existsSync, writeFileSync } from 'node:fs';
  import test from 'node:test';
  test('steady', () => {});
  test('outer', async (t) => {
    await t.test('by chance', () => {
      const ran = existsSync(import.meta.filename + '.ran');
      writeFileSync(import.meta.filename + '.ran', '');
      if (!ran) throw new Error('not yet');
    });
  });`;
const always = `
  import test from 'node:test';
  test('fine', () => {});
  test('broken', () => { throw new Error('as ever'); });`;

/** Runs the files once, then those that failed again; what it came to, and what was said of the second runs. */
async function runTwice(sources: readonly string[]) {
  const failed: FailedFile[] = [];
  let counts = NOTHING;
  for (const [i, source] of sources.entries()) {
    const file = join(mkdtempSync(join(folder, 'case-')), `${i}.test.mjs`);
    writeFileSync(file, source);
    const run = { files: [file], concurrency: 1, timeoutMs: 20_000, limitMs: 20_000 };
    const report = await runTests({ ...run, onLine: () => {} });
    if (report.failed > 0) failed.push({ file, report });
    counts = add(counts, report);
  }
  const lines: string[] = [];
  const { passed, failed: stillFailed, unsteady } = await runAgain(counts, failed, (line) => lines.push(line));
  return { counted: [passed, stillFailed, unsteady], said: lines.join('\n'), files: failed.map(({ file }) => file) };
}

test('a file that passes in its second run is unsteady, and named', async () => {
  const { counted, said, files } = await runTwice([atFirst]);
  assert.deepEqual(counted, [1, 0, 2]);
  assert.match(said, new RegExp(`\nunsteady: [^\n]*\n  ${files[0]}: by chance$`));
});

test('a file that fails twice has failed', async () => {
  const { counted, said } = await runTwice([always]);
  assert.deepEqual(counted, [1, 1, 0]);
  assert.doesNotMatch(said, /unsteady/);
  assert.match(said, /✖ broken/);
});

test('a file that crashes in both runs has failed, one that is fine does not run again', async () => {
  const { counted, said, files } = await runTwice(["throw new Error('crash')", "import 'node:test'", atFirst]);
  assert.equal(files.length, 2);
  assert.deepEqual(counted.slice(1), [1, 2]);
  assert.match(said, /unsteady: [^\n]*\n[^\n]*2\.test\.mjs: by chance$/);
});

test('where more than four files failed, none runs again', async () => {
  const { counted, said } = await runTwice([always, always, always, always, atFirst]);
  assert.deepEqual(counted, [5, 6, 0]);
  assert.equal(said, '');
});
