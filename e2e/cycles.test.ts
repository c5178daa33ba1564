import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCycleBench } from './cycles.ts';

// What is held is to be seen, not how far V8 lets its young generation grow meanwhile.
process.env['NODE_OPTIONS'] = '--max-semi-space-size=16';

test('4000 players of all kinds come and go, and nothing of them stays', { timeout: 120_000 }, async (t) => {
  await using bench = await openCycleBench();
  await bench.server.guard(async () => {
    await bench.run(1000);
    const warm = await bench.settled();
    const beganMs = performance.now();
    await bench.run(3000);
    t.diagnostic(`3000 cycles took ${Math.round(performance.now() - beganMs)} ms`);
    const after = await bench.settled();
    t.diagnostic(JSON.stringify({ warm, after }));
    assert.deepEqual([after.readers, after.rtspConnections], [0, 0]);
    assert.ok(after.files <= warm.files + 4, `${warm.files} files, then ${after.files}`);
    // The young generation grows to its 48 MB meanwhile.
    assert.ok(after.rssMb <= warm.rssMb + 70, `${warm.rssMb} MB, then ${after.rssMb} MB`);
  });
});
