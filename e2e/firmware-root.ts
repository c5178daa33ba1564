import assert from 'node:assert/strict';
import { copyFileSync, existsSync, linkSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runProgram } from './harness.ts';

/** Runs a program that has to succeed; what it printed. */
export async function run(command: readonly string[], timeoutMs = 30_000): Promise<string> {
  const { status, stdout, stderr } = await runProgram(command[0]!, command.slice(1), timeoutMs);
  assert.equal(status, 0, `${command.join(' ')}\n${stdout}${stderr}`);
  return stdout.toString();
}

/** Makes the folder a root with busybox as shell and tools, and the Node of this test; resolves to it. */
export async function makeRoot(root: string): Promise<string> {
  for (const path of [
    'bin',
    'sbin',
    'dev',
    'proc',
    'tmp',
    'etc/init.d',
    'usr/bin',
    'var/log',
    'var/run',
    'var/lib/dpkg/info',
    'var/lib/dpkg/updates',
  ])
    mkdirSync(join(root, path), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  const applets = (await run(['/bin/busybox', '--list'])).trim().split('\n');
  for (const applet of applets)
    if (!existsSync(join(root, 'bin', applet))) symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'dev/null'), '');
  const libraries = [...(await run(['ldd', process.execPath])).matchAll(/(\/\S+\.so[\w.]*)/g)].map(
    (match) => match[1]!,
  );
  for (const library of libraries) place(library, join(root, library));
  place(process.execPath, join(root, 'usr/bin/node'));
  return root;
}

function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  const real = realpathSync(from);
  try {
    linkSync(real, to);
  } catch {
    copyFileSync(real, to);
  }
}
