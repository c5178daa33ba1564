import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCycleBench } from './cycles.ts';

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
    assert.ok(after.rssMb <= warm.rssMb + 15, `${warm.rssMb} MB, then ${after.rssMb} MB`);
  });
});
