import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { nodePlatform } from '../platform/node-platform.ts';
import { ConfigSource } from './config-source.ts';
import { type Json, merged } from './json.ts';
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
    'a key of another section',
    { ...minimal, tunnel_port: 1 },
    /agent\.json: tunnel_port is unknown here — there is tunnel\.tunnel_port$/,
  ],
  [
    'a key of the root in a section',
    { agent: { ...minimal.agent, cameras: [] } },
    /agent\.json: agent\.cameras is unknown here — there is cameras$/,
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
    { ...minimal, cameras: [{ name: 'y', host: 'h' }], publish: [{ camera: 'y', url: 'srt://s:9000' }] },
    /publish\[0\]\.url must begin with rtsp:.* rtmp:/,
  ],
  [
    'publishing over RTMP without a stream',
    { ...minimal, cameras: [{ name: 'y', host: 'h' }], publish: [{ camera: 'y', url: 'rtmps://s/live' }] },
    /publish\[0\]\.url: an RTMP address names an application and a stream/,
  ],
  [
    'publishing to an address with a line break',
    {
      ...minimal,
      cameras: [{ name: 'y', host: 'h' }],
      publish: [{ camera: 'y', url: 'rtsp://s/x\r\nA: b' }],
    },
    /publish\[0\]\.url must .*no control characters/,
  ],
  [
    'a path with a line break',
    { ...minimal, cameras: [{ name: 'y', host: 'h', rtsp_path: '/x RTSP/1.0\r\nA: b' }] },
    /cameras\[0\]\.rtsp_path .*must begin with "\/", and have no control characters/,
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

/** A configuration file with a state folder of its own; `edit` is what a person does to it. */
function place(rest: object) {
  const stateDir = join(folder, `state-${++places}`);
  const file = join(folder, `agent-${places}.json`);
  const edit = (sections: object) =>
    writeFileSync(file, JSON.stringify({ agent: { ...minimal.agent, state_dir: stateDir }, ...sections }));
  edit(rest);
  const platform = {
    ...nodePlatform(),
    environment: (name: string) => (name === 'WATCHPOST_AGENT_ID' ? 'from-env' : undefined),
  };
  const source = new ConfigSource(platform, file);
  const change = async (asked: Json, reset = false) => (await source.change(asked, { reset })).save();
  return { file, stateDir, source, edit, change };
}
let places = 0;

test('remote changes lie over the file, the environment over both', async () => {
  const { file, source, change } = place({ buffer: { max_mb: 5, enabled: true } });
  await change({ buffer: { max_mb: 4 } });
  await change({ tunnel: { tunnel_port: 9000 } });
  const { config, dropped } = await source.load();
  assert.deepEqual([config.agent.agentId, config.buffer.maxBytes, config.buffer.enabled], ['from-env', 4e6, true]);
  assert.deepEqual([config.tunnel.tunnelPort, dropped], [9000, []]);
  await change({}, true);
  assert.equal((await source.load()).config.buffer.maxBytes, 5e6);
  writeFileSync(file, '{ "agent": {\n  "a": 1,\n }');
  await assert.rejects(source.load(), {
    code: 'AGENT_CONFIG_INVALID',
    message: /agent-\d\.json:3:\d+: this is not JSON/,
  });
  await assert.rejects(new ConfigSource(nodePlatform(), join(folder, 'none.json')).load(), {
    message: /does not exist/,
  });
});

test('a damaged file of remote changes is passed over', async () => {
  const { source, change, stateDir } = place({});
  await change({ buffer: { enabled: true } });
  writeFileSync(join(stateDir, 'changes.json'), '{');
  assert.equal((await source.load()).config.buffer.enabled, false);
});

const edits: [name: string, first: object, asked: Json, then: object, dropped: string[], sees: object][] = [
  [
    'a key is given another value',
    { buffer: { max_mb: 50 }, tunnel: {} },
    { buffer: { max_mb: 8, enabled: true }, tunnel: { tunnel_port: 9000 } },
    { buffer: { max_mb: 60 }, tunnel: {} },
    ['buffer.max_mb'],
    { buffer: { enabled: true, store: 'memory', maxBytes: 60e6 }, tunnelPort: 9000 },
  ],
  [
    'a feature is forbidden',
    {},
    { buffer: { enabled: true } },
    { buffer: { enabled: false } },
    ['buffer.enabled'],
    { buffer: { enabled: false, store: 'memory', maxBytes: 64e6 } },
  ],
  [
    'a key is taken out',
    { tunnel: { tunnel_port: 8000 } },
    { tunnel: { tunnel_port: 9000 } },
    { tunnel: {} },
    ['tunnel.tunnel_port'],
    { tunnelPort: 8554 },
  ],
  [
    'targets are narrowed that a camera from afar lies in',
    { tunnel: { targets: ['10.0.0.5:*'] }, discovery: { enabled: false } },
    { cameras: [{ name: 'x', host: '10.0.0.5' }] },
    { tunnel: { targets: ['10.0.0.6:554'] }, discovery: { enabled: false } },
    ['cameras'],
    { cameras: [] },
  ],
  [
    'targets are narrowed that a stream is published to from afar',
    { cameras: [{ name: 'y', host: '10.0.0.5' }], tunnel: { targets: ['10.0.0.9:8554'] } },
    { publish: [{ camera: 'y', url: 'rtsp://10.0.0.9:8554/y' }] },
    { cameras: [{ name: 'y', host: '10.0.0.5' }], tunnel: { targets: ['10.0.0.9:80'] } },
    ['publish'],
    { publish: [] },
  ],
  [
    'cameras that were found may not be reached any more',
    {},
    { cameras: [{ name: 'x', host: '10.0.0.5' }] },
    { discovery: { register: false } },
    ['cameras'],
    { cameras: [] },
  ],
  [
    'it does not go with what a server added',
    { cameras: [{ name: 'y', host: '10.0.0.5' }], discovery: { enabled: false } },
    { publish: [{ camera: 'y', url: 'rtsp://s.example/y' }] },
    { cameras: [{ name: 'z', host: '10.0.0.5' }], discovery: { enabled: false } },
    ['publish'],
    { publish: [] },
  ],
];
for (const [name, first, asked, then, keys, sees] of edits)
  test(`where ${name} in the file after a remote change, the file wins, for good`, async () => {
    const { source, edit, change } = place(first);
    await change(asked);
    assert.deepEqual((await source.load()).dropped, []);
    edit(then);
    const { config, dropped, forget } = await source.load();
    assert.deepEqual(dropped, keys);
    const seen = { ...config, tunnelPort: config.tunnel.tunnelPort } as Record<string, unknown>;
    for (const [key, value] of Object.entries(sees)) assert.deepEqual(seen[key], value);
    await forget();
    assert.deepEqual((await source.load()).dropped, []);
    edit(first);
    const back = (await source.load()).config;
    assert.notDeepEqual(back, (await source.change(asked, { reset: true })).config, 'it does not come back');
  });

test('a key that means the same after the edit stays changed', async () => {
  const { source, edit, change } = place({ cameras: [{ name: 'y', host: '10.0.0.5' }] });
  await change({ cameras: [{ name: 'renamed', host: '10.0.0.5' }] });
  edit({ cameras: [{ host: '10.0.0.5', name: 'y' }] });
  assert.equal((await source.load()).config.cameras[0]!.name, 'renamed');
});

test('where commands are forbidden, nothing that a server changed is in force', async () => {
  const { source, edit, change } = place({});
  await change({ buffer: { enabled: true } });
  edit({ agent: { ...minimal.agent, state_dir: join(folder, `state-${places}`), allow_commands: false } });
  assert.equal((await source.load()).config.buffer.enabled, false);
});

test('changes of an agent that did not write down what they replace are held to what the file allows', async () => {
  const { source, stateDir, change } = place({ buffer: { max_mb: 5 }, discovery: { ports: [554] } });
  await change({});
  const stored = { buffer: { max_mb: 7, store: 'disk' }, tunnel: { targets: ['10.0.0.1:*'] }, agent: { token: 'x' } };
  writeFileSync(join(stateDir, 'changes.json'), JSON.stringify(stored));
  const { config, dropped } = await source.load();
  assert.deepEqual(config.buffer, { enabled: false, store: 'disk', maxBytes: 5e6 });
  assert.deepEqual(config.tunnel.targets, []);
  assert.deepEqual(dropped, ['buffer.max_mb', 'tunnel.targets', 'agent.token']);
});

test('what an agent that compared no addresses let be published is in force no longer', async () => {
  const { source, stateDir, change } = place({ cameras: [{ name: 'y', host: '10.0.0.5' }] });
  await change({});
  const publish = [{ camera: 'y', url: 'rtmp://10.0.0.1/live/y' }];
  writeFileSync(join(stateDir, 'changes.json'), JSON.stringify({ publish, replaced: {} }));
  const { config, dropped } = await source.load();
  assert.deepEqual([config.publish, dropped], [[], ['publish']]);
});

const refusals: [name: string, file: object, asked: Json, message: RegExp][] = [
  ['switched off', { buffer: { enabled: false } }, { buffer: { enabled: true } }, /buffer\.enabled is false/],
  ['bounded', { buffer: { max_mb: 8 } }, { buffer: { max_mb: 9 } }, /buffer\.max_mb is 8/],
  ['listed', { discovery: { hosts: ['a'] } }, { discovery: { hosts: ['a', 'b'] } }, /discovery\.hosts is \["a"\]/],
  ['not for servers', {}, { agent: { token: 'x' } }, /"agent" cannot be changed from afar/],
];
for (const [name, file, asked, message] of refusals)
  test(`what is ${name} in the file is not widened from afar`, async () => {
    await assert.rejects(place(file).change(asked), { code: 'AGENT_CONFIG_PROTECTED', message });
  });

test('a hostile change does not reach prototypes', () => {
  merged({}, JSON.parse('{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":1}}}'));
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});
