import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockDataDir } from './server-lock.ts';

const module = new URL('server-lock.ts', import.meta.url).href;

test('a second server is refused while the first one runs, and let in after it', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'watchpost-lock-'));
  t.after(() => rm(dir, { recursive: true }));
  const first = lockDataDir(dir);
  assert.throws(() => lockDataDir(dir), { kind: 'conflict', code: 'DATA_DIR_IN_USE', message: /stop that one/ });
  first[Symbol.dispose]();
  lockDataDir(dir)[Symbol.dispose]();
});

test('a server that was killed leaves no lock behind', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'watchpost-lock-'));
  t.after(() => rm(dir, { recursive: true }));
  const script = `const { lockDataDir } = await import(${JSON.stringify(module)});
    globalThis.lock = lockDataDir(${JSON.stringify(dir)}); console.log('held'); setTimeout(() => {}, 20_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  assert.throws(() => lockDataDir(dir), { code: 'DATA_DIR_IN_USE' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  lockDataDir(dir)[Symbol.dispose]();
});
