import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzip } from '@watchpost/agent/firmware/archive/gzip.ts';
import { maxBundleBytes } from '@watchpost/agent/firmware/bundle.ts';
import { unpackFirmware } from '@watchpost/agent/firmware/verify.ts';
import { makeRoot, run } from './firmware-root.ts';
import { runProgram, wait } from './harness.ts';

// Packages of the firmware builder, installed and removed by their own scripts in a root that holds busybox, a Node and
// nothing else, as on a small device; Debian's by Debian's own dpkg.

const folder = mkdtempSync(join(tmpdir(), 'watchpost-firmware-e2e-'));
const watchpost = new URL('../watchpost', import.meta.url).pathname;
const asRoot = process.getuid?.() === 0 ? [] : ['unshare', '--map-root-user'];
const packages = join(folder, 'packages');

const inRoot = (root: string, ...command: string[]) => run([...asRoot, 'chroot', root, ...command]);

before(async () => {
  assert.ok(existsSync('/bin/busybox'), 'busybox-static is installed');
  const common = [
    '--server',
    'ws://127.0.0.1:9/tunnel',
    '--camera-host',
    '127.0.0.1',
    '--key',
    join(folder, 'key.pem'),
  ];
  await run([
    watchpost,
    'firmware',
    'build',
    '--camera',
    'dahua-2449s-il',
    '--format',
    'tar.gz,deb',
    '--output',
    packages,
    ...common,
  ]);
});
after(() => {
  // Where a test failed half-way, what it started still runs.
  const pidFile = join(folder, 'small/var/run/watchpost-agent.pid');
  if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

const packageOf = (name: string) => join(packages, name);

test('two builds are the same bytes, and verify says so to a person', { timeout: 30_000 }, async () => {
  const again = join(folder, 'again');
  const flags = ['--server', 'ws://127.0.0.1:9/tunnel', '--camera-host', '127.0.0.1', '--key', join(folder, 'key.pem')];
  await run([watchpost, 'firmware', 'build', '--camera', 'IPC-HFW2449S-S-IL', '--output', again, ...flags]);
  const file = 'dahua-2449_firmware.tar.gz';
  assert.deepEqual(readFileSync(join(again, file)), readFileSync(packageOf(file)));
  const said = await run([watchpost, 'firmware', 'verify', packageOf(file), '--key', join(folder, 'key.pem')]);
  assert.match(said, /watchpost-agent 0\.1\.0 for dahua-2449 \(tar\.gz\), \d+ files, signature right/);
});

test('the bundled agent is one small file without native parts, and runs', { timeout: 30_000 }, async () => {
  const file = unpackFirmware(readFileSync(packageOf('dahua-2449_firmware.tar.gz'))).find(({ path }) =>
    path.endsWith('/agent.js'),
  )!;
  assert.ok(file.bytes.length <= maxBundleBytes, `${file.bytes.length} bytes`);
  const code = Buffer.from(file.bytes).toString();
  assert.doesNotMatch(code, /\.node["'`]/);
  const imports = [...code.matchAll(/(?:from|import|require\()\s*["'`]([^"'`]+)["'`]/g)].map((match) => match[1]!);
  const foreign = imports.filter((name) => !name.startsWith('node:') && !/^(bufferutil|utf-8-validate)$/.test(name));
  // ws asks for modules of Node by their old names.
  const builtin = new Set(['events', 'https', 'http', 'net', 'tls', 'crypto', 'stream', 'url', 'zlib', 'buffer']);
  assert.deepEqual(
    foreign.filter((name) => !builtin.has(name)),
    [],
  );
  const path = join(folder, 'agent.js');
  writeFileSync(path, code);
  assert.match(await run([process.execPath, path, '--version']), /^watchpost-agent 0\.1\.0/);
  const wrong = await runProgram(process.execPath, [path, '-c', join(folder, 'missing.json')]);
  assert.deepEqual([wrong.status, /does not exist/.test(wrong.stderr)], [78, true], wrong.stderr);
});

test('the archive installs, starts, stops and leaves nothing behind', { timeout: 60_000 }, async () => {
  const root = await makeRoot(join(folder, 'small'));
  writeFileSync(join(root, 'tmp/package.tar'), gunzip(readFileSync(packageOf('dahua-2449_firmware.tar.gz'))));
  await inRoot(root, 'tar', '-xf', '/tmp/package.tar', '-C', '/tmp');
  const unpacked = '/tmp/watchpost-agent-0.1.0';
  const said = await inRoot(root, 'sh', `${unpacked}/install.sh`);
  assert.match(said, /installed for busybox/);
  assert.equal(statSync(join(root, 'etc/watchpost-agent/agent.json')).mode & 0o777, 0o600);
  const log = join(root, 'var/log/watchpost-agent.log');
  const logged = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  for (let tries = 0; tries < 100 && !/The agent starts/.test(logged()); tries++) await wait(100);
  assert.match(logged(), /The agent starts/, 'the agent runs in a root of its own');
  assert.equal((await inRoot(root, '/etc/init.d/S96watchpost-agent', 'status')).trim(), 'running');
  assert.equal(statSync(join(root, 'var/lib/watchpost-agent/identity.json')).mode & 0o777, 0o600);
  // A second installation keeps what was set.
  writeFileSync(
    join(root, 'etc/watchpost-agent/agent.json'),
    '{ "agent": { "tunnel_server_url": "ws://127.0.0.1:9/mine" } }',
  );
  assert.match(await inRoot(root, 'sh', `${unpacked}/install.sh`), /kept/);
  assert.match(readFileSync(join(root, 'etc/watchpost-agent/agent.json'), 'utf8'), /mine/);
  const identity = readFileSync(join(root, 'var/lib/watchpost-agent/identity.json'), 'utf8');
  await inRoot(root, '/usr/lib/watchpost-agent/uninstall.sh');
  assert.equal(existsSync(join(root, 'usr/lib/watchpost-agent')), false);
  assert.equal(existsSync(join(root, 'etc/init.d/S96watchpost-agent')), false);
  assert.equal(readFileSync(join(root, 'var/lib/watchpost-agent/identity.json'), 'utf8'), identity);
  await inRoot(root, 'sh', `${unpacked}/uninstall.sh`, '--purge');
  for (const path of ['etc/watchpost-agent', 'var/lib/watchpost-agent'])
    assert.equal(existsSync(join(root, path)), false, path);
});

test('a damaged archive does not install', { timeout: 30_000 }, async () => {
  const root = await makeRoot(join(folder, 'damaged'));
  writeFileSync(join(root, 'tmp/package.tar'), gunzip(readFileSync(packageOf('dahua-2449_firmware.tar.gz'))));
  await inRoot(root, 'tar', '-xf', '/tmp/package.tar', '-C', '/tmp');
  writeFileSync(join(root, 'tmp/watchpost-agent-0.1.0/agent.js'), 'changed');
  const { status, stderr } = await runProgram(
    [...asRoot, 'chroot'][0]!,
    [...asRoot, 'chroot', root, 'sh', '/tmp/watchpost-agent-0.1.0/install.sh'].slice(1),
  );
  assert.equal(status, 1);
  assert.match(stderr, /damaged/);
  assert.equal(existsSync(join(root, 'usr/lib/watchpost-agent')), false);
});

test('dpkg installs, removes and purges the Debian package', { timeout: 60_000 }, async () => {
  const root = await makeRoot(join(folder, 'debian'));
  writeFileSync(
    join(root, 'var/lib/dpkg/status'),
    'Package: nodejs\nStatus: install ok installed\nVersion: 24.0\nArchitecture: amd64\nMaintainer: x <x@localhost>\nDescription: x\n\n',
  );
  const dpkg = (...args: string[]) => run([...asRoot, 'dpkg', `--root=${root}`, '--force-architecture', ...args]);
  await dpkg('-i', packageOf('dahua-2449_0.1.0_all.deb'));
  assert.match(await dpkg('-s', 'watchpost-agent'), /Status: install ok installed/);
  assert.equal(statSync(join(root, 'etc/watchpost-agent/agent.json')).mode & 0o777, 0o600);
  assert.equal(statSync(join(root, 'etc/watchpost-agent')).mode & 0o777, 0o700);
  assert.ok(existsSync(join(root, 'usr/lib/systemd/system/watchpost-agent.service')));
  assert.match(await inRoot(root, '/usr/lib/watchpost-agent/run', '--version'), /^watchpost-agent 0\.1\.0/);
  await dpkg('-r', 'watchpost-agent');
  assert.equal(existsSync(join(root, 'usr/lib/watchpost-agent')), false);
  assert.ok(existsSync(join(root, 'etc/watchpost-agent/agent.json')), 'the configuration stays');
  await dpkg('-P', 'watchpost-agent');
  for (const path of ['etc/watchpost-agent', 'var/lib/watchpost-agent'])
    assert.equal(existsSync(join(root, path)), false, path);
});
