import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStorage } from './memory-storage.ts';
import { type Bench, openBench, settle } from './test-bench.ts';

const forever = [0, 1e14] as const;
const config = { enabled: true, segmentDurationSeconds: 20 };

const segmentsOf = (bench: Bench) => bench.recorder.query.segments('gate', ...forever);
const placesOf = async (bench: Bench) => (await segmentsOf(bench)).map(({ backend }) => backend);

/** Records to `backends` from now on. */
async function recordTo(bench: Bench, ...backends: readonly MemoryStorage[]): Promise<void> {
  const places = backends.map((backend) => ({ backend, retentionDays: 7, minFree: { percent: 5 } }));
  await bench.recorder.configure(config, places);
}

/** Whether it has happened. */
function watch(promise: Promise<void>): () => boolean {
  let isDone = false;
  void promise.then(() => {
    isDone = true;
  });
  return () => isDone;
}

test('a backend that comes first takes the next file; the one that grows goes on where it is', async () => {
  await using bench = await openBench({ segmentSeconds: 20 });
  bench.hub.add('gate').connect();
  await bench.run(10_000);
  const added = new MemoryStorage('added');
  await recordTo(bench, added, bench.disk);
  await bench.run(5000);
  assert.deepEqual(await placesOf(bench), ['memory']);
  await bench.run(10_000);
  const [first, second] = await segmentsOf(bench);
  assert.deepEqual([first!.backend, second!.backend, second!.startMs], ['memory', 'added', first!.endMs]);
  assert.deepEqual(await bench.recorder.query.gaps('gate', ...forever), []);
  const { backends } = await bench.recorder.storageReport();
  assert.deepEqual(
    backends.map(({ name, state }) => [name, state]),
    [
      ['added', 'ok'],
      ['memory', 'ok'],
    ],
  );
});

test('files on a backend that is taken away end at their next key picture, and nothing is missing', async () => {
  await using bench = await openBench({ segmentSeconds: 20 });
  bench.hub.add('gate').connect();
  await bench.run(10_500);
  const next = new MemoryStorage('next');
  await recordTo(bench, next);
  const isLeft = watch(bench.recorder.leave(bench.disk));
  await bench.run(400);
  assert.equal(isLeft(), false);
  await bench.run(4000);
  assert.equal(isLeft(), true);
  const [first, second] = await segmentsOf(bench);
  assert.deepEqual([first!.backend, first!.closed, second!.backend], ['memory', true, 'next']);
  assert.deepEqual([second!.runId, second!.startMs], [first!.runId, first!.endMs]);
  assert(first!.endMs - first!.startMs <= 13_000);
  const [beginsWith] = await bench.recorder.query.fragments(second!.id);
  assert.equal(beginsWith!.key, true);
  assert.deepEqual(await bench.recorder.query.gaps('gate', ...forever), []);
  assert.deepEqual(
    bench.events.filter(({ level }) => level !== 'info'),
    [],
  );
  assert.deepEqual(
    (await bench.recorder.storageReport()).backends.map(({ name }) => name),
    ['next'],
  );
});

test('without key pictures the backend is left after ten seconds all the same', async () => {
  await using bench = await openBench({ segmentSeconds: 20 });
  const stream = bench.hub.add('gate');
  stream.gop = 1e6;
  stream.connect();
  await bench.run(5000);
  await recordTo(bench, new MemoryStorage('next'));
  const isLeft = watch(bench.recorder.leave(bench.disk));
  await bench.run(8000);
  assert.equal(isLeft(), false);
  await bench.run(6000);
  assert.equal(isLeft(), true);
  assert.deepEqual(await placesOf(bench), ['memory', 'next']);
  assert.deepEqual(await bench.recorder.query.gaps('gate', ...forever), []);
});

test('a file that is being made on a backend that is taken away is waited for', async () => {
  await using bench = await openBench({ segmentSeconds: 20 });
  const hung = Promise.withResolvers<void>();
  bench.disk.hang = hung.promise;
  bench.hub.add('gate').connect();
  await bench.run(2000);
  await recordTo(bench, new MemoryStorage('next'));
  const isLeft = watch(bench.recorder.leave(bench.disk));
  await bench.run(2000);
  assert.equal(isLeft(), false);
  bench.disk.hang = undefined;
  hung.resolve();
  await bench.run(5000);
  assert.equal(isLeft(), true);
  const [first, second] = await segmentsOf(bench);
  assert.deepEqual([first!.backend, second!.backend, second!.startMs], ['memory', 'next', first!.endMs]);
  assert.equal(bench.disk.files.get(first!.key)?.bytes.length, first!.bytes);
});

test('a backend that nothing is written to is left at once', async () => {
  await using bench = await openBench({ segmentSeconds: 20 });
  const isLeft = watch(bench.recorder.leave(new MemoryStorage('idle')));
  await settle();
  assert.equal(isLeft(), true);
});
