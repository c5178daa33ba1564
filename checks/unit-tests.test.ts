import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { sharesOf } from '../scripts/unit-tests.ts';

test('each file of unit tests runs once; one that waits for a socket or a process has a process of its own', () => {
  const files = globSync('packages/**/*.test.ts', { exclude: (path) => path.includes('node_modules') });
  const { shared, single } = sharesOf(files);
  assert.deepEqual([...shared.flat(), ...single].sort(), files.toSorted());
  assert.ok(shared.flat().length > files.length / 3, `${shared.flat().length} of ${files.length} share a process`);
  for (const file of shared.flat()) assert.doesNotMatch(readFileSync(file, 'utf8'), /node:(net|child_process)/, file);
});
