import { type Counts, runTests, type TestReport, writeLine } from './run-tests.ts';

/** Where more files failed, it is no accident. */
const maxFiles = 4;
const limitMs = 120_000;

/**
 * Runs files that failed once more, one after the other with nothing beside them. What failed in a run of which all files
 * pass now is counted as unsteady, no more as failed, and named. Returns the counts of all tests after that.
 */
export async function runAgain(
  counts: Counts,
  failed: readonly TestReport[],
  onLine: (line: string) => void = writeLine,
): Promise<Counts> {
  const total = failed.reduce((sum, { failedFiles }) => sum + failedFiles.length, 0);
  if (total === 0 || total > maxFiles) return counts;
  const steadied: TestReport[] = [];
  let begun = 0;
  for (const report of failed) {
    let passed = true;
    for (const file of report.failedFiles) {
      onLine(`\n» ${file}, again and alone (${++begun} of ${total})`);
      const again = await runTests({ files: [file], concurrency: 1, timeoutMs: limitMs, limitMs, onLine });
      passed &&= again.failed === 0 && again.passed > 0;
    }
    if (passed) steadied.push(report);
  }
  if (steadied.length === 0) return counts;
  onLine('\nunsteady: failed above, passed when the file ran again, alone');
  for (const { failedFiles, failures } of steadied) {
    for (const name of failures) onLine(`  ${failedFiles.join(', ')}: ${name}`);
  }
  const unsteady = steadied.reduce((sum, { failed }) => sum + failed, 0);
  return { ...counts, failed: counts.failed - unsteady, unsteady: counts.unsteady + unsteady };
}
