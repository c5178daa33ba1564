import assert from 'node:assert/strict';
import { mkdtemp, open, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeFolders } from './make-folders.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wp-folders-'));
});
after(() => rm(folder, { recursive: true }));

test('folders are made with those above them, by several at once, and again', async () => {
  const path = join(folder, 'a/b/c');
  await Promise.all([makeFolders(path, 0o750), makeFolders(join(path, 'd'), 0o750), makeFolders(path, 0o750)]);
  await makeFolders(path);
  assert.equal((await stat(join(path, 'd'))).mode & 0o777, 0o750);
  await makeFolders('/');
});

test('a folder that was removed while it is open takes no more, and says so at once', async () => {
  const path = join(folder, 'gone');
  await makeFolders(path);
  await using held = await open(path, 'r');
  await rmdir(path);
  await assert.rejects(makeFolders(`/proc/self/fd/${held.fd}/gate/2026`), { code: 'ENOENT' });
});

test('what can hold no folders is named by its error', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await assert.rejects(makeFolders(join(file, 'x/y')), { code: 'ENOTDIR' });
  await assert.rejects(makeFolders(file), { code: 'EEXIST' });
  await assert.rejects(makeFolders('/proc/none/x'), { code: 'ENOENT' });
});
