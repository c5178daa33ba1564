import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { openDatabase } from '../catalog/database.ts';
import { VolumeStore } from '../catalog/volume-store.ts';
import type { StorageBackendConfig } from '../config/types.ts';
import { LocalStorage } from './local/local-storage.ts';
import { StorageBackends } from './storage-backends.ts';

async function open() {
  const path = await mkdtemp(join(tmpdir(), 'watchpost-backends-'));
  const database = await openDatabase(':memory:');
  const options = { registry: new VolumeStore(database), clock: new ManualClock(), logger: silentLogger };
  const backends = new StorageBackends(options);
  const named = (name: string, folder = name): StorageBackendConfig => ({
    ...{ type: 'local', name, basePath: join(path, folder), retentionDays: 7, minFree: { percent: 5 } },
  });
  return {
    ...{ path, options, backends, named },
    [Symbol.asyncDispose]: async () => {
      await backends[Symbol.asyncDispose]();
      await database.destroy();
      await rm(path, { recursive: true, force: true });
    },
  };
}

test('a backend that is added is open and in its place; those that stay are the same', async () => {
  await using o = await open();
  const { backends, named } = o;
  assert.deepEqual(await backends.configure([named('a')]), []);
  const a = backends.byName.get('a');
  assert.deepEqual(await backends.configure([named('b'), { ...named('a'), retentionDays: 3 }]), []);
  assert.deepEqual([...backends.byName.keys()], ['b', 'a']);
  assert.equal(backends.byName.get('a'), a);
  assert.deepEqual(
    backends.places.map(({ retentionDays }) => retentionDays),
    [7, 3],
  );
  await backends.byName.get('b')!.space();
});

test('a backend that is removed keeps its volume until it is closed; then another server may have it', async () => {
  await using o = await open();
  const { backends, named } = o;
  await backends.configure([named('a'), named('b')]);
  const left = await backends.configure([named('b')]);
  assert.deepEqual(
    left.map(({ name }) => name),
    ['a'],
  );
  assert.equal(backends.byName.has('a'), false);
  await left[0]!.space();
  await using other = await LocalStorage.open({ ...o.options, ...named('a') });
  await assert.rejects(other.space(), { code: 'STORAGE_VOLUME_IN_USE' });
  await backends.close(left[0]!);
  await other.check();
  await other.space();
});

test('V1 a name that is given another folder is its volume only if it was moved there', async () => {
  await using o = await open();
  const { backends, named } = o;
  await backends.configure([named('a', 'old')]);
  const [left] = await backends.configure([named('a', 'new')]);
  await assert.rejects(backends.byName.get('a')!.space(), { code: 'STORAGE_VOLUME_MISSING' });
  await backends.close(left!);
  await rename(join(o.path, 'old'), join(o.path, 'moved'));
  await backends.configure([named('a', 'moved')]);
  await backends.byName.get('a')!.space();
});

test('a folder that cannot be made leaves the others as they are', async () => {
  await using o = await open();
  const { backends, named } = o;
  await writeFile(join(o.path, 'file'), '');
  await backends.configure([named('bad', 'file/x'), named('a')]);
  await assert.rejects(backends.byName.get('bad')!.space(), /ENOTDIR/);
  await backends.byName.get('a')!.space();
});
