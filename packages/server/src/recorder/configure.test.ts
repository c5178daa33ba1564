import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemoryStorage } from './memory-storage.ts';
import type { RetainedBackend } from './retention.ts';
import { type Bench, openBench } from './test-bench.ts';

const forever = [0, 1e14] as const;
const keptOn = (backend: MemoryStorage, retentionDays = 7): RetainedBackend => ({
  ...{ backend, retentionDays, minFree: { percent: 5 } },
});

const segmentsOf = (bench: Bench) => bench.recorder.query.segments('gate', ...forever);

test('a new length of files counts from the next file on, without a hole', async () => {
  await using bench = await openBench({ segmentSeconds: 10 });
  bench.hub.add('gate').connect();
  await bench.run(12_000);
  await bench.recorder.configure({ enabled: true, segmentDurationSeconds: 5 }, [keptOn(bench.disk)]);
  await bench.run(18_500);
  const lengths = (await segmentsOf(bench)).map(({ startMs, endMs }) => Math.round((endMs - startMs) / 1000));
  assert.deepEqual(lengths.slice(0, -1), [10, 10, 5, 5]);
  assert.deepEqual(await bench.recorder.query.gaps('gate', ...forever), []);
});

test('recording is switched off and on again for streams whose definition asks for it', async () => {
  await using bench = await openBench();
  bench.hub.add('gate').connect();
  await bench.run(3000);
  await bench.recorder.configure({ enabled: false, segmentDurationSeconds: 10 }, [keptOn(bench.disk)]);
  await bench.run(3000);
  assert.equal(bench.recorder.state('gate').state, 'off');
  const before = (await segmentsOf(bench)).length;
  await bench.recorder.configure({ enabled: true, segmentDurationSeconds: 10 }, [keptOn(bench.disk)]);
  await bench.run(3000);
  assert.equal(bench.recorder.state('gate').state, 'recording');
  assert.equal((await segmentsOf(bench)).length, before + 1);
});

test('new limits of a backend count with the next pass', async () => {
  await using bench = await openBench({ retentionDays: 0.7 });
  bench.hub.add('gate').connect();
  await bench.run(25_000);
  bench.clock.advance(0.2 * 86_400_000);
  await bench.recorder.enforceRetention();
  assert((await segmentsOf(bench)).length >= 3);
  await bench.recorder.configure({ enabled: true, segmentDurationSeconds: 10 }, [keptOn(bench.disk, 0.1)]);
  await bench.recorder.enforceRetention();
  assert.equal((await segmentsOf(bench)).filter(({ closed }) => closed).length, 0);
  assert.equal((await bench.recorder.storageReport()).backends[0]?.retentionDays, 0.1);
});
