import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzip } from '@watchpost/agent/firmware/archive/gzip.ts';
import { makeRoot, run } from './firmware-root.ts';
import { startTestServer, type TestServer, wait } from './harness.ts';
import { enrolmentToken, tunnelOnce } from './tunnel-harness.ts';

// What packages bring for init systems and package managers, seen by programs of others.

const folder = mkdtempSync(join(tmpdir(), 'watchpost-init-e2e-'));
const watchpost = new URL('../watchpost', import.meta.url).pathname;
const files = new URL('../packages/agent/src/firmware/files', import.meta.url).pathname;
const packages = join(folder, 'packages');
const archive = join(packages, 'dahua-2449_firmware.tar.gz');

before(async () => {
  const common = ['--server', 'ws://127.0.0.1:9/tunnel', '--camera-host', '127.0.0.1', '--output', packages];
  await Promise.all(
    ['dahua-2449s-il', 'openwrt', 'axis-m30'].map((camera) =>
      run([watchpost, 'firmware', 'build', '--camera', camera, '--key', join(folder, `${camera}.pem`), ...common]),
    ),
  );
});
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

test('all scripts are plain shell: dash and busybox read them, shellcheck has nothing to say', async () => {
  const scripts = globSync('*', { cwd: files })
    .map((name) => join(files, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path, 'utf8').startsWith('#!/bin/sh'));
  assert.ok(scripts.length >= 10, `${scripts}`);
  await run(['shellcheck', '-s', 'dash', ...scripts]);
  for (const script of scripts) {
    await run(['busybox', 'ash', '-n', script]);
    await run(['dash', '-n', script]);
  }
});

test('systemd has nothing to say about the unit', { timeout: 30_000 }, async () => {
  const root = join(folder, 'systemd');
  const units = join(root, 'usr/lib/systemd/system');
  mkdirSync(units, { recursive: true });
  // Of the system's own units only those that bound everything else.
  for (const unit of globSync('/usr/lib/systemd/system/*.{target,slice}'))
    cpSync(unit, join(units, unit.split('/').at(-1)!));
  cpSync(join(files, 'watchpost-agent.service'), join(units, 'watchpost-agent.service'));
  mkdirSync(join(root, 'usr/lib/watchpost-agent'), { recursive: true });
  const start = join(root, 'usr/lib/watchpost-agent/run');
  cpSync(join(files, 'run'), start);
  chmodSync(start, 0o755);
  await run(['systemd-analyze', 'verify', '--man=no', `--root=${root}`, 'watchpost-agent.service']);
});

test('packages of OpenWrt and Axis hold what their systems ask for, as tar reads it', async () => {
  const [ipk] = globSync('*.ipk', { cwd: packages });
  const opened = join(folder, 'ipk');
  mkdirSync(opened);
  await run(['tar', '-xzf', join(packages, ipk!), '-C', opened]);
  assert.equal(readFileSync(join(opened, 'debian-binary'), 'utf8'), '2.0\n');
  const control = await run(['tar', '-xzOf', join(opened, 'control.tar.gz'), './control']);
  for (const field of ['Package', 'Version', 'Architecture', 'Maintainer', 'Description'])
    assert.match(control, new RegExp(`^${field}: \\S`, 'm'));
  const listed = await run(['tar', '-tvzf', join(opened, 'data.tar.gz')]);
  assert.match(listed, /^-rwxr-xr-x root\/root .* \.\/etc\/init\.d\/watchpost-agent$/m);
  const [eap] = globSync('*.eap', { cwd: packages });
  const manifest = JSON.parse(await run(['tar', '-xzOf', join(packages, eap!), 'manifest.json']));
  // Required by the manifest schema 1.x of ACAP; a name has 26 characters at most, and its program is in the package.
  const { appName, vendor, runMode, version, architecture } = manifest.acapPackageConf.setup;
  assert.match(manifest.schemaVersion, /^1\.\d+\.\d+$/);
  assert.match(appName, /^\w{1,26}$/);
  assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.ok(vendor && ['respawn', 'once', 'never'].includes(runMode), runMode);
  assert.ok(['all', 'aarch64', 'armv7hf'].includes(architecture), architecture);
  assert.match(await run(['tar', '-tvzf', join(packages, eap!)]), new RegExp(`^-rwxr-xr-x .* ${appName}$`, 'm'));
});

test('under the init of busybox the agent starts, starts again when it is killed, and says goodbye when the system goes down', {
  timeout: 60_000,
}, async () => {
  const root = await makeRoot(join(folder, 'root'));
  await using server = await startTestServer();
  writeFileSync(join(root, 'tmp/package.tar'), gunzip(readFileSync(archive)));
  const agent = {
    agent_id: 'box',
    tunnel_server_url: `${server.base.replace('http', 'ws')}/tunnel`,
    tunnel_server_token: await enrolmentToken(server),
  };
  mkdirSync(join(root, 'etc/watchpost-agent'));
  const config = join(root, 'etc/watchpost-agent/agent.json');
  writeFileSync(config, JSON.stringify({ agent, discovery: { enabled: false } }), { mode: 0o600 });
  const connected = () => tunnelOnce(server, 'box', { is: ({ status }) => status === 'connected' });
  const sysinit = '::sysinit:/bin/mkdir -p /etc/init.d\n::sysinit:/etc/init.d/rcS\n';
  const script = '/etc/init.d/S96watchpost-agent';
  // The package is unpacked and installed by the system itself, as it comes up.
  const install = 'tar -xf /tmp/package.tar -C /tmp && sh /tmp/watchpost-agent-0.1.0/install.sh';
  await boot(root, { inittab: `${sysinit}::shutdown:${script} stop\n`, rcS: install }, async (system) => {
    const first = await agentBelow(system);
    await connected();
    process.kill(first, 'SIGKILL');
    assert.notEqual(await agentBelow(system, first), first);
    await sessionsEnded(server, 'replaced', 1);
  });
  await sessionsEnded(server, 'shutdown', 1);
  // A number that is another program's by now, and an init that stops nothing: it ends all at once, a second long.
  const rcS = `echo 1 >/var/run/watchpost-agent.pid\n${script} status && exit 1\n${script} start`;
  await boot(root, { inittab: sysinit, rcS }, async (system) => {
    await agentBelow(system);
    await connected();
  });
  await sessionsEnded(server, 'shutdown', 2);
});

/** Brings a system up below busybox init, and down again as `reboot` does once `use` is done with it. */
async function boot(
  root: string,
  { inittab, rcS }: { inittab: string; rcS: string },
  use: (pid: number) => Promise<void>,
): Promise<void> {
  writeFileSync(join(root, 'etc/inittab'), inittab);
  writeFileSync(join(root, 'etc/init.d/rcS'), `#!/bin/sh\n${rcS}\n`, { mode: 0o755 });
  const proc = `--mount-proc=${join(root, 'proc')}`;
  const isolated = ['--pid', '--fork', '--kill-child', proc, 'chroot', root, '/bin/init'];
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const system = spawn('unshare', [...asRoot, ...isolated], { stdio: 'ignore' });
  const ended = once(system, 'exit');
  const timer = setTimeout(() => system.kill('SIGKILL'), 30_000);
  try {
    await use(system.pid!);
    process.kill(childrenOf(system.pid!)[0]!, 'SIGTERM');
    await ended;
  } catch (thrown) {
    const log = readFileSync(join(root, 'var/log/watchpost-agent.log'), 'utf8');
    if (thrown instanceof Error) thrown.message += `\n--- agent ---\n${log}`;
    throw thrown;
  } finally {
    clearTimeout(timer);
    system.kill('SIGKILL');
    await ended;
  }
}

/** Fails unless so many sessions ended for a reason; one that is only lost is waited for. */
async function sessionsEnded(server: TestServer, reason: string, count: number): Promise<void> {
  let messages: string[] = [];
  for (let tries = 0; tries < 100; tries++, await wait(100)) {
    const { events } = await server.api<{ events: { type: string; message: string }[] }>('/events?limit=100');
    messages = events.filter(({ type }) => type === 'agent.offline').map(({ message }) => message);
    if (messages.filter((message) => message === `The agent "box" is gone: ${reason}`).length === count) return;
  }
  throw new Error(`${count} sessions should have ended (${reason}): ${messages}`);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** The process of the agent below another; `not` is one that was. */
async function agentBelow(pid: number, not = 0): Promise<number> {
  for (let tries = 0; tries < 200; tries++, await wait(100)) {
    const all = [pid];
    for (const one of all) all.push(...childrenOf(one));
    for (const one of all) {
      const command = existsSync(`/proc/${one}/cmdline`) ? readFileSync(`/proc/${one}/cmdline`, 'utf8') : '';
      if (one !== not && /agent\.js\0/.test(command)) return one;
    }
  }
  throw new Error(`no agent runs below process ${pid}`);
}
