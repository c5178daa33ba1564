import { type Counts, runTests, type TestReport, writeLine } from './run-tests.ts';

/** A file in which tests failed. */
export interface FailedFile {
  readonly file: string;
  readonly report: TestReport;
}

/** Where more files failed, it is no accident. */
const maxFiles = 4;
const limitMs = 120_000;

/**
 * Runs files that failed once more, one after the other with nothing beside them. What failed in those that pass now is
 * counted as unsteady, no more as failed, and named. Returns the counts of all tests after that.
 */
export async function runAgain(
  counts: Counts,
  failed: readonly FailedFile[],
  onLine: (line: string) => void = writeLine,
): Promise<Counts> {
  if (failed.length === 0 || failed.length > maxFiles) return counts;
  const steadied: FailedFile[] = [];
  for (const [i, one] of failed.entries()) {
    onLine(`\n» ${one.file}, again and alone (${i + 1} of ${failed.length})`);
    const report = await runTests({ files: [one.file], concurrency: 1, timeoutMs: limitMs, limitMs, onLine });
    if (report.failed === 0 && report.passed > 0) steadied.push(one);
  }
  if (steadied.length === 0) return counts;
  onLine('\nunsteady: failed above, passed when the file ran again, alone');
  for (const { file, report } of steadied) {
    for (const name of report.failures) onLine(`  ${file}: ${name}`);
  }
  const unsteady = steadied.reduce((sum, { report }) => sum + report.failed, 0);
  return { ...counts, failed: counts.failed - unsteady, unsteady: counts.unsteady + unsteady };
}
