import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentAfterMs, VolumeTurns } from './volume-turns.ts';

const isSilent = {
  kind: 'unavailable',
  code: 'STORAGE_SILENT',
  message: /"nas".*\/mnt\/nas does not answer — look at/,
};

function make() {
  const clock = new ManualClock();
  const turns = new VolumeTurns({ backend: 'nas', basePath: '/mnt/nas', clock });
  const begun: PromiseWithResolvers<string>[] = [];
  const hang = () => {
    const work = Promise.withResolvers<string>();
    begun.push(work);
    return work.promise;
  };
  return { clock, turns, begun, hang };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('V6 readers of a volume that hangs are told so, those that wait for a turn and those that come later, too', async () => {
  const { clock, turns, begun, hang } = make();
  const late: string[] = [];
  const asked = Array.from({ length: 10 }, () => turns.read(hang, (value) => late.push(value)));
  const refused = Promise.all(asked.map((one) => assert.rejects(one, isSilent)));
  assert.equal(begun.length, 4);
  assert.equal(turns.silence, undefined);
  clock.advance(silentAfterMs);
  assert.equal(turns.heldMs, silentAfterMs);
  await refused;
  await assert.rejects(turns.read(hang), isSilent);
  assert.equal(begun.length, 4);
  for (const work of begun) work.resolve('late');
  await settle();
  assert.deepEqual(late, ['late', 'late', 'late', 'late']);
  assert.equal(turns.heldMs, 0);
  assert.equal(await turns.read(async () => 'now'), 'now');
});

test('V6 what writes waits for its turn, beside those that read, and is never given up', async () => {
  const { clock, turns, begun, hang } = make();
  const reads = Array.from({ length: 5 }, () => turns.read(hang).catch(() => 'refused'));
  const written = Array.from({ length: 10 }, () => turns.write(hang));
  await settle();
  assert.equal(begun.length, 4 + 8);
  clock.advance(silentAfterMs * 10);
  for (let i = 0; i < begun.length; i++) {
    begun[i]!.resolve(`done ${i}`);
    await settle();
  }
  assert.equal(new Set(await Promise.all(written)).size, 10);
  assert.deepEqual(await Promise.all(reads), ['refused', 'refused', 'refused', 'refused', 'refused']);
});

test('what fails ends its turn', async () => {
  const { turns } = make();
  const fail = () => Promise.reject(new Error('broken'));
  for (let i = 0; i < 9; i++) {
    await assert.rejects(turns.read(fail), /broken/);
    await assert.rejects(turns.write(fail), /broken/);
  }
  assert.equal(turns.silence, undefined);
});
