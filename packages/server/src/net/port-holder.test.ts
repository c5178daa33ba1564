import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findPortHolder } from './port-holder.ts';

/** A folder like /proc; two processes have the socket that listens on port 8080. */
function makeProc() {
  const proc = mkdtempSync(join(tmpdir(), 'watchpost-proc-'));
  mkdirSync(join(proc, 'net'));
  const address = '0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711';
  writeFileSync(join(proc, 'net/tcp'), `sl local_address rem_address st\n ${address} 1\n`);
  const add = (pid: number, state: string, name: string) => {
    mkdirSync(join(proc, `${pid}/fd`), { recursive: true });
    writeFileSync(join(proc, `${pid}/status`), `Name:\tMainThread\nState:\t${state}\n`);
    writeFileSync(join(proc, `${pid}/cmdline`), `/usr/sbin/${name}\0-g\0`);
    symlinkSync('socket:[4711]', join(proc, `${pid}/fd/3`));
  };
  return { proc, add, [Symbol.dispose]: () => rmSync(proc, { recursive: true }) };
}

test('a process that hangs in the kernel is not looked into', async () => {
  using made = makeProc();
  made.add(7, 'D (disk sleep)', 'stuck');
  assert.equal(await findPortHolder(8080, made.proc), undefined);
  made.add(8, 'S (sleeping)', 'nginx');
  assert.deepEqual(await findPortHolder(8080, made.proc), { pid: 8, name: 'nginx' });
  assert.equal(await findPortHolder(8081, made.proc), undefined);
});

test('what cannot be read is not waited for', async () => {
  using made = makeProc();
  made.add(8, 'S (sleeping)', 'nginx');
  // Whoever opens it waits for somebody who writes.
  const status = join(made.proc, '8/status');
  rmSync(status);
  execFileSync('mkfifo', [status]);
  const began = performance.now();
  assert.equal(await findPortHolder(8080, made.proc), undefined);
  assert.ok(performance.now() - began < 5000);
  await using _writer = await open(status, constants.O_WRONLY);
});
