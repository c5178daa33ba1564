import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { nodePlatform } from '../platform/node-platform.ts';
import { loadConfig, merged, readChanges, writeChanges } from './load-config.ts';
import { parseTarget, readAgentConfig } from './read-config.ts';

const context = { file: 'agent.json', stateDir: '/var/lib/watchpost-agent' };
const minimal = { agent: { tunnel_server_url: 'wss://s.example/tunnel' } };
const folder = mkdtempSync(join(tmpdir(), 'watchpost-agent-config-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('an address is enough; everything else has a default', () => {
  const config = readAgentConfig(minimal, context);
  assert.deepEqual(config.agent.serverUrls, ['wss://s.example/tunnel']);
  assert.deepEqual(
    [config.tunnel.tunnelPort, config.tunnel.remotePort, config.tunnel.resendBufferBytes],
    [8554, 554, 16e6],
  );
  assert.equal(config.discovery.enabled, true, 'without cameras the agent looks for them');
  assert.equal(config.buffer.enabled, false);
});

test('a whole configuration is read as it stands', () => {
  const config = readAgentConfig(
    {
      '// a comment': 'is passed over',
      agent: { ...minimal.agent, agent_id: 'gate', tunnel_server_token: 'wpe_x' },
      tunnel: { tunnel_port: 9000, targets: ['10.0.0.1:80', '[::1]:554', 'nas:*'] },
      cameras: [{ name: 'gate', host: 'CAM.local', rtsp_path: '/a', username: 'u', password: 'p#/@', ports: [80] }],
      publish: [{ camera: 'gate', url: 'rtsp://me:pw#1@s.example/live/gate' }],
    },
    context,
  );
  assert.deepEqual(config.tunnel.targets, [
    { host: '10.0.0.1', port: 80 },
    { host: '::1', port: 554 },
    { host: 'nas', port: 0 },
  ]);
  assert.deepEqual(
    [config.cameras[0]!.host, config.cameras[0]!.password, config.discovery.enabled],
    ['cam.local', 'p#/@', false],
  );
  assert.deepEqual(config.publish[0], {
    camera: 'gate',
    quality: 'main',
    url: 'rtsp://s.example/live/gate',
    username: 'me',
    password: 'pw#1',
  });
});

const mistakes: [name: string, value: object, message: RegExp][] = [
  ['no address', { agent: {} }, /agent\.json: agent\.tunnel_server_url is missing/],
  [
    'http in place of ws',
    { agent: { tunnel_server_url: 'http://x' } },
    /tunnel_server_url: "http:\/\/x" must be like "wss:/,
  ],
  [
    'a key that is misspelt',
    { agent: { ...minimal.agent, tokn: 1 } },
    /agent\.tokn is unknown — known here: .*tunnel_server_token/,
  ],
  [
    'a port beyond the last',
    { ...minimal, tunnel: { tunnel_port: 70_000 } },
    /tunnel\.tunnel_port must be a number from 1 to 65535/,
  ],
  [
    'a target without port',
    { ...minimal, tunnel: { targets: ['10.0.0.1'] } },
    /tunnel\.targets: "10\.0\.0\.1" must be like/,
  ],
  ['a camera without host', { ...minimal, cameras: [{ name: 'x' }] }, /cameras\[0\]\.host is missing/],
  [
    'names that are the same',
    {
      ...minimal,
      cameras: [
        { name: 'x', host: 'a' },
        { name: 'x', host: 'b' },
      ],
    },
    /"x" is used twice/,
  ],
  [
    'publishing a camera that is not there',
    { ...minimal, publish: [{ camera: 'y', url: 'rtsp://s/x' }] },
    /publish\[0\]\.camera must be/,
  ],
  [
    'publishing by what agents do not speak',
    { ...minimal, cameras: [{ name: 'y', host: 'h' }], publish: [{ camera: 'y', url: 'rtmp://s/live/x' }] },
    /publish\[0\]\.url must begin with rtsp:/,
  ],
  ['a text in place of a list', { ...minimal, cameras: 'x' }, /cameras must be a list/],
  ['a list in place of the whole', [], /the configuration must be an object/],
  [
    'a key that is none',
    { agent: { ...minimal.agent, update_key: 'short' } },
    /agent\.update_key must be 32 bytes in base64/,
  ],
];
for (const [name, value, message] of mistakes)
  test(`${name} is told with its place`, () => {
    assert.throws(() => readAgentConfig(value, context), { code: 'AGENT_CONFIG_INVALID', message });
  });

test('an address with a password is refused without showing it', () => {
  assert.throws(
    () => readAgentConfig({ agent: { tunnel_server_url: 'ws://a:secret@s.example/' } }, context),
    (error: Error) => !error.message.includes('secret'),
  );
});

test('targets have a port, or all of them', () => {
  assert.deepEqual(parseTarget('h:1'), { host: 'h', port: 1 });
  for (const text of ['h', 'h:', 'h:0', 'h:65536', ':1', '::1:1', 'h h:1'])
    assert.equal(parseTarget(text), undefined, text);
});

test('remote changes lie over the file, the environment over both', async () => {
  const file = join(folder, 'agent.json');
  const stateDir = join(folder, 'state');
  writeFileSync(
    file,
    JSON.stringify({ agent: { ...minimal.agent, state_dir: stateDir }, buffer: { max_mb: 5, enabled: true } }),
  );
  const platform = {
    ...nodePlatform(),
    environment: (name: string) => (name === 'WATCHPOST_AGENT_ID' ? 'from-env' : undefined),
  };
  await writeChanges(platform, stateDir, { buffer: { max_mb: 7 } });
  assert.deepEqual(await readChanges(platform, stateDir), { buffer: { max_mb: 7 } });
  const config = await loadConfig(platform, file);
  assert.deepEqual([config.agent.agentId, config.buffer.maxBytes, config.buffer.enabled], ['from-env', 7e6, true]);
  writeFileSync(file, '{ "agent": {\n  "a": 1,\n }');
  await assert.rejects(loadConfig(platform, file), {
    code: 'AGENT_CONFIG_INVALID',
    message: /agent\.json:3:\d+: this is not JSON/,
  });
  await assert.rejects(loadConfig(platform, join(folder, 'none.json')), { message: /does not exist/ });
});

test('a hostile change does not reach prototypes', () => {
  merged({}, JSON.parse('{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":1}}}'));
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});
