import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { add, NOTHING, runTests, type TestReport } from '../scripts/run-tests.ts';
import { runAgain } from '../scripts/second-run.ts';

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
const fine = "import test from 'node:test'; test('fine', () => {});";
const always = `
  import test from 'node:test';
  test('fine', () => {});
  test('broken', () => { throw new Error('as ever'); });`;

/** Runs the files once, each by itself or all in one run, then those that failed again; what it came to, and what was said. */
async function runTwice(sources: readonly string[], inOneRun = false) {
  const files = sources.map((source, i) => {
    const file = join(mkdtempSync(join(folder, 'case-')), `${i}.test.mjs`);
    writeFileSync(file, source);
    return file;
  });
  const failed: TestReport[] = [];
  let counts = NOTHING;
  for (const some of inOneRun ? [files] : files.map((file) => [file])) {
    const run = { files: some, concurrency: 2, timeoutMs: 20_000, limitMs: 20_000 };
    const report = await runTests({ ...run, onLine: () => {} });
    if (report.failed > 0) failed.push(report);
    counts = add(counts, report);
  }
  const lines: string[] = [];
  const { passed, failed: stillFailed, unsteady } = await runAgain(counts, failed, (line) => lines.push(line));
  return {
    ...{ counted: [passed, stillFailed, unsteady], said: lines.join('\n') },
    files: failed.flatMap(({ failedFiles }) => failedFiles),
  };
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

test('of many files in one run those that failed run again', async () => {
  const { counted, said, files } = await runTwice([atFirst, fine, atFirst, fine, fine, fine], true);
  assert.deepEqual(counted, [6, 0, 4]);
  assert.deepEqual(
    files.map((file) => basename(file)),
    ['0.test.mjs', '2.test.mjs'],
  );
  assert.match(said, /unsteady: [^\n]*\n[^\n]*0\.test\.mjs, [^\n]*2\.test\.mjs: by chance\n[^\n]*by chance$/);
});

test('a run of which one file fails twice has failed', async () => {
  const { counted, said } = await runTwice([atFirst, always, fine], true);
  assert.deepEqual(counted, [3, 3, 0]);
  assert.doesNotMatch(said, /unsteady/);
});
