import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock, systemClock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { runStorageConformance } from '../../../../../checks/conformance/storage.ts';
import { openDatabase } from '../../catalog/database.ts';
import { VolumeStore } from '../../catalog/volume-store.ts';
import { LocalStorage } from './local-storage.ts';
import { toStorageError } from './storage-error.ts';
import { volumeLockName } from './volume-lock.ts';

async function place() {
  const path = await mkdtemp(join(tmpdir(), 'watchpost-storage-'));
  const database = await openDatabase(':memory:');
  const clock = new ManualClock();
  const options = {
    name: 'disk',
    basePath: join(path, 'video'),
    registry: new VolumeStore(database),
    clock,
    logger: silentLogger,
  };
  const storage = await LocalStorage.open(options);
  return {
    path,
    clock,
    base: options.basePath,
    options,
    storage,
    [Symbol.asyncDispose]: async () => {
      await storage[Symbol.asyncDispose]();
      await database.destroy();
      await rm(path, { recursive: true, force: true });
    },
  };
}

runStorageConformance('local', async () => {
  const made = await place();
  return { backend: made.storage, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() };
});

const signal = new AbortController().signal;
const isMissing = (error: WatchpostError) => error.code === 'STORAGE_VOLUME_MISSING' && error.kind === 'unavailable';

test('V1 first use makes the folder and names the volume', async () => {
  await using p = await place();
  const written = JSON.parse(await readFile(join(p.base, '.watchpost-volume.json'), 'utf8')) as Record<string, string>;
  assert.match(written['volumeId']!, /^[0-9a-f-]{36}$/);
  assert.equal(await p.options.registry.volumeId('disk'), written['volumeId']);
});

test('a recording whose folder was just removed with all that is in it fails at once, and nothing hangs', async () => {
  await using p = await place();
  await rm(p.base, { recursive: true });
  await assert.rejects(p.storage.create('gate/2026/1.mp4', signal), { code: 'STORAGE_NOT_FOUND' });
});

test('a folder that cannot be made is logged once, with the reason', async () => {
  await using p = await place();
  await writeFile(join(p.path, 'file'), '');
  const logged: string[] = [];
  const logger = { ...silentLogger, error: (message: string) => void logged.push(message) };
  const options = { ...p.options, name: 'other', basePath: join(p.path, 'file/video'), logger };
  await using other = await LocalStorage.open(options);
  await other.check();
  assert.equal(logged.length, 1);
  assert.match(logged[0]!, /^storage "other", .*file\/video: .*ENOTDIR/);
});

test('V1 a folder in place of the volume is never written to, and V3 the volume comes back by itself', async () => {
  await using p = await place();
  const file = await p.storage.create('gate/1.mp4', signal);
  await rename(p.base, `${p.base}-away`);
  await mkdir(p.base);
  await p.storage.check();
  await assert.rejects(p.storage.create('gate/2.mp4', signal), isMissing);
  await assert.rejects(file.append(new Uint8Array(3)), isMissing);
  await assert.rejects(p.storage.space(), isMissing);
  assert.deepEqual(await readdir(p.base), []);
  await rm(p.base, { recursive: true });
  await rename(`${p.base}-away`, p.base);
  await p.storage.check();
  await (await p.storage.create('gate/2.mp4', signal)).close();
  await file.close();
});

test('V1 another volume in its place is refused', async () => {
  await using p = await place();
  await writeFile(join(p.base, '.watchpost-volume.json'), '{"volumeId":"somebody-else"}');
  await p.storage.check();
  await assert.rejects(p.storage.create('gate/2.mp4', signal), isMissing);
  assert.deepEqual(await readdir(p.base), ['.watchpost-volume.json', '.watchpost-volume.lock']);
});

test('V1 a start without the volume waits, and does not make a new one', async () => {
  await using p = await place();
  await rename(p.base, `${p.base}-away`);
  await using second = await LocalStorage.open(p.options);
  await assert.rejects(second.create('gate/2.mp4', signal), isMissing);
  assert.deepEqual(await readdir(p.path), ['video-away']);
});

test('V2 between checks a write stays on the volume that was checked', async () => {
  await using p = await place();
  await rename(p.base, `${p.base}-away`);
  await mkdir(p.base);
  await (await p.storage.create('gate/2.mp4', signal)).close();
  assert.deepEqual(await readdir(p.base), []);
  assert.deepEqual(await readdir(join(`${p.base}-away`, 'gate')), ['2.mp4']);
});

test('V1 a file that is not found is not gone while its volume is not there, and the next check has not seen that yet', async () => {
  await using p = await place();
  await (await p.storage.create('gate/1.mp4', signal)).close();
  const read = () => Array.fromAsync(p.storage.read('gate/1.mp4'));
  assert.deepEqual(await read(), []);
  await rm(join(p.base, 'gate/1.mp4'));
  await assert.rejects(read(), { code: 'STORAGE_NOT_FOUND' });
  await rename(p.base, `${p.base}-away`);
  await assert.rejects(read(), isMissing);
  await mkdir(p.base);
  await assert.rejects(read(), isMissing);
});

test('V3 the mount is checked by itself', async () => {
  await using p = await place();
  await p.storage[Symbol.asyncDispose]();
  await using storage = await LocalStorage.open({ ...p.options, clock: systemClock, checkEveryMs: 5 });
  await rename(p.base, `${p.base}-away`);
  for (let i = 0; i < 200; i++) {
    if (await storage.space().then(() => false, isMissing)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail('the missing volume was not noticed');
});

test('V6 a start with a volume that hangs goes on without it, and takes it once it answers', async () => {
  await using p = await place();
  await p.storage[Symbol.asyncDispose]();
  const file = join(p.base, '.watchpost-volume.json');
  const text = await readFile(file, 'utf8');
  await rm(file);
  spawnSync('mkfifo', [file]);
  const opening = LocalStorage.open(p.options);
  p.clock.advance(5000);
  await using storage = await opening;
  const isSilent = { kind: 'unavailable', code: 'STORAGE_SILENT' };
  await assert.rejects(storage.space(), isSilent);
  await assert.rejects(storage.create('gate/1.mp4', signal), isSilent);
  const checked = storage.check();
  await writeFile(file, text);
  await rm(file);
  await writeFile(file, text);
  await checked;
  await (await storage.create('gate/1.mp4', signal)).close();
});

test('V4 a volume that another server has is left alone until that one ends, and then taken over', async () => {
  await using p = await place();
  const database = await openDatabase(':memory:');
  const options = { ...p.options, registry: new VolumeStore(database) };
  await using second = await LocalStorage.open(options);
  const inUse = { kind: 'unavailable', code: 'STORAGE_VOLUME_IN_USE', message: /stop that one, or give .* base_path/ };
  await assert.rejects(second.create('gate/2.mp4', signal), inUse);
  await assert.rejects(Array.fromAsync(second.list('')), inUse);
  assert.equal(await options.registry.volumeId('disk'), undefined);
  await (await p.storage.create('gate/1.mp4', signal)).close();
  await p.storage[Symbol.asyncDispose]();
  await second.check();
  assert.deepEqual(await Array.fromAsync(second.list(''), ({ key }) => key), ['gate/1.mp4']);
  await database.destroy();
});

test('V4 a server that was killed keeps no volume', async () => {
  await using p = await place();
  await p.storage[Symbol.asyncDispose]();
  const module = new URL('volume-lock.ts', import.meta.url).href;
  const where = JSON.stringify({ backend: 'disk', basePath: p.base, root: p.base });
  const script = `const { VolumeLock } = await import(${JSON.stringify(module)});
    globalThis.lock = new VolumeLock(${where}); lock.claim(); console.log('held'); setTimeout(() => {}, 20_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  await using storage = await LocalStorage.open(p.options);
  await assert.rejects(storage.space(), { code: 'STORAGE_VOLUME_IN_USE' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await storage.check();
  await storage.space();
});

test('V4 a volume that cannot be locked is used, with a warning', async () => {
  await using p = await place();
  await p.storage[Symbol.asyncDispose]();
  await rm(join(p.base, volumeLockName));
  await mkdir(join(p.base, volumeLockName));
  const warned: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => void warned.push(message) };
  await using storage = await LocalStorage.open({ ...p.options, logger });
  await storage.check();
  await (await storage.create('gate/1.mp4', signal)).close();
  assert.match(warned.join(), /^[^,]*cannot be locked[^,]*$/);
});

test('errors of the system say what to do', () => {
  const table: [string, string, string][] = [
    ['ENOSPC', 'resource_exhausted', 'STORAGE_FULL'],
    ['EIO', 'unavailable', 'STORAGE_IO'],
    ['EROFS', 'unavailable', 'STORAGE_READ_ONLY'],
    ['EACCES', 'forbidden', 'STORAGE_FORBIDDEN'],
    ['ENOTCONN', 'unavailable', 'STORAGE_IO'],
    ['EWHATEVER', 'unavailable', 'STORAGE_IO'],
  ];
  for (const [errno, kind, code] of table) {
    const error = toStorageError(Object.assign(new Error(errno), { code: errno }), 'disk', 'a/1.mp4');
    assert.deepEqual([error.kind, error.code, error.context['errno']], [kind, code, errno]);
    assert.match(error.message, /storage "disk", a\/1\.mp4: /);
  }
});

test('whoever only reads makes nothing, and locks nothing: the volume may be in use', async () => {
  await using p = await place();
  const file = await p.storage.create('gate/1.mp4', signal);
  await file.append(Uint8Array.of(1, 2, 3));
  await using reader = await LocalStorage.open({ ...p.options, isReadOnly: true });
  assert.deepEqual(await reader.readRanges('gate/1.mp4', [[1, 3]]), [Uint8Array.of(2, 3)]);
  const basePath = join(p.path, 'other');
  await using other = await LocalStorage.open({ ...p.options, name: 'other', basePath, isReadOnly: true });
  await assert.rejects(async () => other.space(), isMissing);
  assert.deepEqual(await readdir(p.path), ['video']);
  await file.close();
});
