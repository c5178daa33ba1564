import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { updateStatement } from '@watchpost/agent/commands/update.ts';
import { buildFirmware } from '@watchpost/agent/firmware/build.ts';
import { openSigningKey } from '@watchpost/agent/firmware/signing-key.ts';
import { unpackFirmware } from '@watchpost/agent/firmware/verify.ts';
import { TestServer } from '@watchpost/agent/platform/test-server.ts';
import { formatEnrolmentToken } from '@watchpost/tunnel/enrolment-token.ts';

// The agent as a package has it, started by the package's own scripts, gets new versions: good, forged, broken, hung.

const folder = mkdtempSync(join(tmpdir(), 'watchpost-update-'));
const state = join(folder, 'state');
const token = { id: 'aabbccddeeff', secret: new Uint8Array(24).fill(7) };
const keyFile = join(folder, 'key.pem');
let server: TestServer;
let agent: ChildProcess;
let bundle: string;
let log = '';

before(async () => {
  server = await TestServer.start(token);
  const built = await buildFirmware({
    camera: 'linux',
    output: folder,
    keyFile,
    serverUrl: server.url,
    token: formatEnrolmentToken(token),
    agentId: 'site',
    cameraHost: '127.0.0.1',
  });
  for (const { path, mode, bytes } of unpackFirmware(readFileSync(built.files[0]!.path))) {
    const place = join(folder, 'package', path.replace(/^[^/]*\//, ''));
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, bytes, { mode });
  }
  bundle = readFileSync(join(folder, 'package/agent.js'), 'utf8');
  agent = spawn(join(folder, 'package/supervise'), ['-c', join(folder, 'package/agent.json')], {
    env: {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      WATCHPOST_AGENT_STATE: state,
      WATCHPOST_AGENT_TRIAL_SECONDS: '4',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  agent.stderr!.on('data', (text: Buffer) => {
    log += text.toString();
  });
  await server.until(() => server.software[0], 20_000).catch((error) => assert.fail(`${error}\n${log}`));
});

after(async () => {
  if (agent.exitCode === null && agent.signalCode === null) {
    const ended = new Promise((resolve) => agent.once('exit', resolve));
    agent.kill('SIGTERM');
    await ended;
  }
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

function offer(version: string, code: string, key = openSigningKey(keyFile).key) {
  const bytes = Buffer.from(code);
  const sha256 = createHash('sha256').update(bytes).digest();
  const signature = sign(null, updateStatement(version, sha256), key).toString('base64');
  return { version, signature, sha256: sha256.toString('hex'), bundle: bytes.toString('base64') };
}

/** The agent of another version. */
const ofVersion = (version: string) => bundle.replaceAll('0.1.0', version);

async function nextSoftware(from: number, withinMs = 20_000): Promise<string> {
  return await server
    .until(() => server.software[from], withinMs)
    .catch((error) => assert.fail(`${error.message}\n${log}`));
}

test('forged, damaged and old versions are refused and change nothing', { timeout: 30_000 }, async () => {
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const cases: [offer: object, message: RegExp][] = [
    [offer('0.2.0', ofVersion('0.2.0'), stranger), /signature .* nothing was changed/],
    [{ ...offer('0.2.0', ofVersion('0.2.0')), sha256: '0'.repeat(64) }, /damaged/],
    [{ ...offer('0.2.0', ofVersion('0.2.0')), version: '0.9.0' }, /signature/],
    [offer('0.0.9', ofVersion('0.0.9')), /not newer/],
    [{ version: '0.2.0', signature: 'x', url: 'file:///etc/passwd' }, /address of a file/],
  ];
  for (const [wrong, message] of cases) {
    const { ok, error } = await server.command('update', wrong);
    assert.equal(ok, false);
    assert.match(error!, message);
  }
  assert.equal(existsSync(join(state, 'update/trial.js')), false);
  assert.deepEqual(server.software, ['watchpost-agent 0.1.0']);
});

test('a good version is fetched, tried, and kept over restarts', { timeout: 40_000 }, async () => {
  const { bundle: base64, ...rest } = offer('0.2.0', ofVersion('0.2.0'));
  const files = createServer((_request, response) => response.end(Buffer.from(base64, 'base64')));
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(files.address() as AddressInfo).port}/agent.js`;
  const answer = await server.command('update', { ...rest, url });
  files.close();
  assert.deepEqual([answer.ok, answer.data], [true, { version: '0.2.0', on_trial: true }], answer.error);
  assert.equal(await nextSoftware(1), 'watchpost-agent 0.2.0');
  const notice = await server.message((message) => (message.type === 'notice' ? message.text : undefined));
  assert.equal(notice, 'version 0.2.0 has come up');
  await server.until(() => (existsSync(join(state, 'update/current.js')) ? true : undefined));
  assert.equal((await server.command('restart')).ok, true);
  assert.equal(await nextSoftware(2), 'watchpost-agent 0.2.0');
  assert.equal(existsSync(join(state, 'update/tried')), false);
});

test('versions that crash at once, or hang, are put aside and the one before runs again', {
  timeout: 60_000,
}, async () => {
  for (const [version, code] of [
    ['0.3.0', 'throw new Error("broken")'],
    ['0.4.0', 'for (;;);'],
  ] as const) {
    server.messages.length = 0;
    const count = server.software.length;
    assert.equal((await server.command('update', offer(version, code))).ok, true);
    assert.equal(await nextSoftware(count, 25_000), 'watchpost-agent 0.2.0');
    const notice = await server.message((message) => (message.type === 'notice' ? message.text : undefined));
    assert.equal(notice, `version ${version} did not come up; 0.2.0 runs again`);
  }
  assert.equal(readFileSync(join(state, 'update/failed.js'), 'utf8'), 'for (;;);');
});
