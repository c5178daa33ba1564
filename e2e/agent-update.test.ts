import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TestServer } from '@watchpost/agent/platform/test-server.ts';
import { formatEnrolmentToken } from '@watchpost/tunnel/enrolment-token.ts';
import { PackagedAgent } from './packaged-agent.ts';

// The agent as a package has it, started by the package's own scripts, gets new versions: good, forged, broken, hung.

const token = { id: 'aabbccddeeff', secret: new Uint8Array(24).fill(7) };
let server: TestServer;
let agent: PackagedAgent;

before(async () => {
  server = await TestServer.start(token);
  agent = await PackagedAgent.start({
    serverUrl: server.url,
    token: formatEnrolmentToken(token),
    agentId: 'site',
  });
  await nextSoftware(0);
});

after(async () => {
  await agent?.[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function nextSoftware(from: number, withinMs = 20_000): Promise<string> {
  return await server
    .until(() => server.software[from], withinMs)
    .catch((error) => assert.fail(`${error.message}\n${agent.log}`));
}

test('forged, damaged and old versions are refused and change nothing', { timeout: 30_000 }, async () => {
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const cases: [offer: object, message: RegExp][] = [
    [agent.offer('0.2.0', agent.ofVersion('0.2.0'), stranger), /signature .* nothing was changed/],
    [{ ...agent.offer('0.2.0', agent.ofVersion('0.2.0')), sha256: '0'.repeat(64) }, /damaged/],
    [{ ...agent.offer('0.2.0', agent.ofVersion('0.2.0')), version: '0.9.0' }, /signature/],
    [agent.offer('0.0.9', agent.ofVersion('0.0.9')), /not newer/],
    [{ version: '0.2.0', signature: 'x', url: 'file:///etc/passwd' }, /address of a file/],
  ];
  for (const [wrong, message] of cases) {
    const { ok, error } = await server.command('update', wrong);
    assert.equal(ok, false);
    assert.match(error!, message);
  }
  assert.equal(existsSync(join(agent.state, 'update/trial.js')), false);
  assert.deepEqual(server.software, ['watchpost-agent 0.1.0']);
});

test('a good version is fetched, tried, and kept over restarts', { timeout: 40_000 }, async () => {
  const { bundle: base64, ...rest } = agent.offer('0.2.0', agent.ofVersion('0.2.0'));
  const files = createServer((_request, response) => response.end(Buffer.from(base64, 'base64')));
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(files.address() as AddressInfo).port}/agent.js`;
  const answer = await server.command('update', { ...rest, url });
  files.close();
  assert.deepEqual([answer.ok, answer.data], [true, { version: '0.2.0', on_trial: true }], answer.error);
  assert.equal(await nextSoftware(1), 'watchpost-agent 0.2.0');
  const notice = await server.message((message) => (message.type === 'notice' ? message.text : undefined));
  assert.equal(notice, 'version 0.2.0 has come up');
  await server.until(() => (existsSync(join(agent.state, 'update/current.js')) ? true : undefined));
  assert.equal((await server.command('restart')).ok, true);
  assert.equal(await nextSoftware(2), 'watchpost-agent 0.2.0');
  assert.equal(existsSync(join(agent.state, 'update/tried')), false);
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
    assert.equal((await server.command('update', agent.offer(version, code))).ok, true);
    assert.equal(await nextSoftware(count, 25_000), 'watchpost-agent 0.2.0');
    const notice = await server.message((message) => (message.type === 'notice' ? message.text : undefined));
    assert.equal(notice, `version ${version} did not come up; 0.2.0 runs again`);
  }
  assert.equal(readFileSync(join(agent.state, 'update/failed.js'), 'utf8'), 'for (;;);');
});
