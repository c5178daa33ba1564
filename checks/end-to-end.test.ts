import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { busy, groupsOf, idle, longest, pages, patient, quiet, sensitive } from '../scripts/end-to-end.ts';

const files = globSync('e2e/*.test.ts').sort();

test('each end-to-end file is in one lane or one queue that lanes share, and each name of an order is one of them', () => {
  const queues = [...new Set(groupsOf(files).flatMap(({ lanes }) => lanes.flat()))];
  assert.deepEqual(queues.flat().sort(), files);
  for (const name of [...sensitive, ...idle, ...busy, ...longest, ...quiet, ...pages, ...patient])
    assert.ok(files.includes(`e2e/${name}.test.ts`), name);
});

test('what judges time, or plays live in a browser, has nothing busy beside it', () => {
  const [idly, many, pairs, clicked, alone] = groupsOf(files).map(({ lanes }) => lanes.flat(2));
  for (const name of ['recorder-kill', 'recorder-power-cut', 'doctor', 'cycles', 'console', 'low-latency-hls'])
    assert.ok(!idly!.concat(many!).includes(`e2e/${name}.test.ts`), name);
  assert.ok(pairs!.every((file) => /doctor|recorder/.test(file)));
  assert.ok(clicked!.includes('e2e/console.test.ts') && !clicked!.some((file) => /\/(cycles|live-|low-)/.test(file)));
  assert.ok(alone!.includes('e2e/cycles.test.ts') && alone!.includes('e2e/low-latency-hls.test.ts'));
});
