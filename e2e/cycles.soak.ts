import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCycleBench } from './cycles.ts';

test('40 000 players of all kinds come and go: as much memory as after 4000', { timeout: 1_800_000 }, async (t) => {
  await using bench = await openCycleBench();
  await bench.server.guard(async () => {
    await bench.run(4000);
    const early = await bench.settled();
    await bench.run(36_000);
    const late = await bench.settled();
    t.diagnostic(JSON.stringify({ early, late }));
    assert.deepEqual([late.readers, late.rtspConnections], [0, 0]);
    assert.ok(late.files <= early.files + 4, `${early.files} files, then ${late.files}`);
    assert.ok(late.rssMb <= early.rssMb * 1.05, `${early.rssMb} MB, then ${late.rssMb} MB`);
  });
});
