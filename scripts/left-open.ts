import { after } from 'node:test';

/** Imported before a test file. What it leaves open after its last test does not hold the whole run. */
const graceMs = 5000;

// `--test-force-exit` ends a process before all of its report is out: results are lost, and counts with them.
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  after(() => {
    const end = () => {
      process.stderr.write(`left open after the last test: ${process.getActiveResourcesInfo().join(', ')}; ended\n`);
      process.exit();
    };
    setTimeout(end, graceMs).unref();
  });
}
