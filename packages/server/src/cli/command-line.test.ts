import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { AuditLog } from '../catalog/audit/audit-log.ts';
import { openDatabase } from '../catalog/database.ts';
import { StreamDefinitions } from '../catalog/definitions/stream-definitions.ts';

const launcher = fileURLToPath(new URL('../../bin/watchpost', import.meta.url));
let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchpost-cli-'));
});
after(() => rm(folder, { recursive: true }));

interface Result {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function watchpost(args: readonly string[], input = ''): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(launcher, args, { cwd: folder, stdio: 'pipe' });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.once('close', (status) => resolve({ status, out, err }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

test('wrong usage ends with 2 and names the nearest word', async () => {
  const cases: [args: string[], message: RegExp][] = [
    [['serv'], /there is no command "serv" — did you mean "serve"\?/],
    [['check', '--jsn'], /no flag --jsn — did you mean --json\?/],
    [['check', '-c'], /value is missing/],
    [['check'], /no watchpost\.toml here/],
    [['user', 'ad', 'anna'], /did you mean "user add"\?/],
    [['simulate', 'rtmp'], /did you mean "simulate rtsp"\?/],
    [['simulate', 'rtsp', '--port', '0', '-c', 'none.toml'], /Unknown option `-c` — watchpost simulate --help/],
    [['firmware', 'list', '-c', 'none.toml'], /Unknown option `-c` — watchpost firmware --help/],
    [['firmware', 'list', '--config=none.toml'], /firmware has no flag --config — /],
    [['serve', '--demo', '-c', 'x.toml'], /leave out -c/],
    [['serve', '-c', 'none.toml'], /none\.toml: there is no such file/],
  ];
  const results = await Promise.all(cases.map(([args]) => watchpost(args)));
  for (const [i, [args, message]] of cases.entries()) {
    assert.match(results[i]!.err, message, args.join(' '));
    assert.doesNotMatch(results[i]!.err, /\n\s+at /, 'no stack');
    assert.equal(results[i]!.status, 2, args.join(' '));
  }
});

test('help and version end with 0', async () => {
  const calls = [['--version'], ['check', '--help'], ['agent', '--help']] as const;
  const [version, help, agent] = await Promise.all(calls.map((args) => watchpost(args)));
  assert.match(version!.out, /^watchpost \d+\.\d+\.\d+ \(Node \d+/);
  assert.match(help!.out, /--config <file> +configuration.*watchpost\.toml/);
  assert.match(agent!.out, /--config <file> +.*agent\.json/, 'it has a configuration of its own');
  assert.doesNotMatch(agent!.out, /watchpost\.toml/);
  assert.deepEqual([version!.status, help!.status, agent!.status], [0, 0, 0]);
});

test('users and tokens are made and removed; a password never stands on the command line', async () => {
  const config = ['-c', 'users.toml'];
  await writeFile(join(folder, 'users.toml'), 'data_dir = "users"');
  assert.match((await watchpost(['user', 'add', 'anna', ...config], 'long enough\n')).out, /anna can log in as admin/);
  assert.match((await watchpost(['user', 'add', 'ivan', ...config], 'long enough\n')).out, /ivan can log in as viewer/);
  const again = await watchpost(['user', 'add', 'anna', ...config], 'long enough\n');
  assert.match(again.err, /there is a user "anna" already/);
  assert.equal(again.status, 1);
  assert.equal((await watchpost(['user', 'add', 'x', ...config], 'short\n')).status, 2);
  const token = JSON.parse(
    (await watchpost(['token', 'add', 'vms', '--user', 'ivan', '--expires', '1d', '--json', ...config])).out,
  );
  assert.match(token.token, /^wp_/);
  assert.match(token.rtsp_password, /^[\w-]{22}$/);
  assert.match((await watchpost(['token', 'list', ...config])).out, /^ID +NAME +USER.*\n.* vms +ivan /);
  assert.deepEqual(await watchpost(['token', 'remove', token.id, ...config]), { status: 0, out: '', err: '' });
  assert.match((await watchpost(['user', 'remove', 'ivan', ...config])).out, /ivan is removed/);
  const { users } = JSON.parse((await watchpost(['user', 'list', '--json', ...config])).out);
  assert.deepEqual(
    users.map(({ name, role }: { name: string; role: string }) => [name, role]),
    [['anna', 'admin']],
  );
  const done = ['createUser anna', 'createUser ivan', 'createToken vms', `revokeToken ${token.id}`, 'deleteUser ivan'];
  assert.deepEqual(
    await auditOf('users'),
    done.map((detail) => [userInfo().username, 'command line', detail]).reverse(),
  );
});

/** Who did what, the newest first. */
async function auditOf(dataDir: string): Promise<string[][]> {
  const database = await openDatabase(join(folder, dataDir, 'watchpost.db'));
  const audit = new AuditLog({ database, clock: systemClock, logger: silentLogger });
  const entries = await audit.query({ limit: 100 });
  await database.destroy();
  return entries.map(({ user, via, detail }) => [user, via, detail]);
}

test('check tells cameras that answer from those that do not, and who holds a port', async () => {
  await using camera = await startRtspCamera({ port: 0, auth: { username: 'admin', password: 'p#ss' } });
  const holder = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  const { port } = holder.address() as AddressInfo;
  const entries = {
    good: `rtsp://admin:p#ss@127.0.0.1:${camera.port}/main`,
    login: `rtsp://admin:wrong@127.0.0.1:${camera.port}/main`,
    path: `rtsp://admin:p#ss@127.0.0.1:${camera.port}/none`,
    refused: 'rtsp://127.0.0.1:1/x',
    host: 'rtsp://camera.invalid/x',
  };
  const cameras = Object.entries(entries).map(([name, url]) => `[[cameras]]\nname = "${name}"\nurl = "${url}"`);
  await writeFile(join(folder, 'c.toml'), `data_dir = "c"\n[http]\nbind = "127.0.0.1:${port}"\n${cameras.join('\n')}`);
  const { out, status } = await watchpost(['check', '-c', 'c.toml', '--json']);
  holder.close();
  assert.equal(status, 1);
  const findings: { status: string; what: string; text: string; cure?: string }[] = JSON.parse(out).findings;
  const of = (what: string) => findings.find((finding) => finding.what === what);
  assert.match(of('camera good')!.text, /h264 640×360 \+ aac/);
  assert.deepEqual(
    Object.keys(entries).map((name) => of(`camera ${name}`)?.status),
    ['fine', 'bad', 'bad', 'bad', 'bad'],
  );
  const texts = Object.keys(entries).map((name) => of(`camera ${name}`)?.text);
  assert.equal(new Set(texts).size, texts.length, 'each fault reads differently');
  assert.ok(of('camera login')?.cure && of('camera refused')?.cure);
  assert.match(of(`port ${port}`)!.text, new RegExp(`taken by .*pid ${process.pid}`));
});

test('a configuration is found under each of its endings, and two of them are a question', async (t) => {
  const yaml = join(folder, 'watchpost.yaml');
  const json = join(folder, 'watchpost.json');
  t.after(() => Promise.all([rm(yaml, { force: true }), rm(json, { force: true })]));
  await writeFile(yaml, 'http:\n  bnd: ":1"');
  assert.match((await watchpost(['check'])).out, /watchpost\.yaml:2: http\.bnd: there is no such key/);
  await writeFile(json, '{}');
  const { status, err } = await watchpost(['check']);
  assert.deepEqual([status, /watchpost\.yaml and watchpost\.json — name the one/.test(err)], [2, true]);
});

test('record writes one camera to the disk, and export makes one file of it; nothing is written over', async () => {
  const camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  const main = camera.urls['main']!;
  const config = ['-c', 'record.toml'];
  await writeFile(
    join(folder, 'record.toml'),
    'data_dir = "recorded"\n[[cameras]]\nname = "yard"\nurl = "rtsp://127.0.0.1:1/"',
  );
  try {
    await mkdir(join(folder, 'recorded'));
    const database = await openDatabase(join(folder, 'recorded', 'watchpost.db'));
    const made = { title: '', protocol: 'rtsp', subSource: undefined, push: [], record: true, onDemand: false };
    await new StreamDefinitions(database, systemClock).add({ ...made, id: 'made', sources: [parseSourceUrl(main)] });
    await database.destroy();
    const result = await watchpost(['record', main, '--name', 'gate', '--duration', '6s', '--json', ...config]);
    const told = JSON.parse(result.out) as { stream: string; start: string; end: string; bytes: number };
    assert.ok(told.stream === 'gate' && Date.parse(told.end) - Date.parse(told.start) > 2000, result.out);
    const streams = await readdir(join(folder, 'recorded', 'video'));
    assert.deepEqual(
      streams.filter((name) => !name.startsWith('.')),
      ['gate'],
      'no other stream runs',
    );
    const range = ['--start', told.start, '--end', told.end, '--output', 'gate.mp4', ...config];
    const exported = await watchpost(['export', 'gate', '--json', ...range]);
    const file = await readFile(join(folder, 'gate.mp4'));
    assert.equal(JSON.parse(exported.out).bytes, file.length);
    assert.equal(file.toString('latin1', 4, 8), 'ftyp');
    const cases: [args: string[], status: number, message: RegExp][] = [
      [['export', 'gate', ...range], 2, /gate\.mp4 is there already/],
      [['export', 'gate', '--start', 'noon', ...config], 2, /--start "noon" is no time/],
      [['export', 'yard', '--start', told.start, ...config], 1, /Nothing of "yard" is recorded/],
      [['export', 'gate', ...range.slice(0, 4), '--output', 'none/x.mp4', ...config], 2, /no folder .*none — make it/],
      [['record', 'gate', ...config], 2, /^watchpost: address: "gate" is not a URL/],
      [['record', main, '--duration', 'long', ...config], 2, /--duration "long" is no time/],
      [['record', `${main}x`, '--duration', '1s', '--name', 'none', ...config], 1, /nothing was recorded/],
    ];
    const results = await Promise.all(cases.map(([args]) => watchpost(args)));
    for (const [i, [args, status, message]] of cases.entries()) {
      assert.match(results[i]!.err, message, args.join(' '));
      assert.equal(results[i]!.status, status, args.join(' '));
    }
  } finally {
    await camera.close();
  }
});
