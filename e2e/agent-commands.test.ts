import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort, startTestServer, type TestServer, wait } from './harness.ts';
import { PackagedAgent } from './packaged-agent.ts';
import { enrolmentToken, TestAgentProcess, tunnelOnce } from './tunnel-harness.ts';

// Everything that a server may tell an agent, with agents in processes of their own, a camera that moves (ONVIF), and one
// that repeats what it hears.

const jpeg = Buffer.from([0xff, 0xd8, 1, 2, 3, 0xff, 0xd9]);
const stack = new AsyncDisposableStack();
const moves: string[] = [];
let server: TestServer;
let onvifPort = 0;
let echoPort = 0;

const envelope = (body: string) =>
  `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>${body}</e:Body></e:Envelope>`;

function openCamera() {
  const camera = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => {
      body += data;
    });
    request.on('end', () => {
      if (request.url === '/picture') {
        const isLoggedIn = /^Digest .*username="admin"/.test(request.headers.authorization ?? '');
        const challenge = { 'www-authenticate': 'Digest realm="cam", nonce="n1", qop="auth"' };
        if (isLoggedIn) response.end(jpeg);
        else response.writeHead(401, challenge).end();
        return;
      }
      const operation = /<(?:\w+:)?Body[^>]*><(?:\w+:)?(\w+)/.exec(body)?.[1] ?? '';
      const url = `http://192.0.2.7/${operation === 'GetCapabilities' ? 'onvif' : 'picture'}`;
      const answers: Readonly<Record<string, string>> = {
        GetCapabilities: `<t:Media><t:XAddr>${url}/media</t:XAddr></t:Media><t:PTZ><t:XAddr>${url}/ptz</t:XAddr></t:PTZ>`,
        GetProfiles: '<t:Profiles token="p1"><t:PTZConfiguration token="c"></t:PTZConfiguration></t:Profiles>',
        GetSnapshotUri: `<t:Uri>${url}</t:Uri>`,
      };
      if (/Move|Stop|Goto/.test(operation)) {
        const [, x, y] = /PanTilt[^>]*x="([^"]+)"[^>]*y="([^"]+)"/.exec(body) ?? [];
        moves.push([operation, x, y].filter((part) => part !== undefined).join(' '));
      }
      response.end(envelope(answers[operation] ?? '<ok/>'));
    });
  });
  return camera.listen(0, '127.0.0.1');
}

before(async () => {
  const camera = openCamera();
  const echo = createTcpServer((socket) => void socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  stack.defer(() => void camera.close().closeAllConnections());
  stack.defer(() => void echo.close());
  await Promise.all([once(camera, 'listening'), once(echo, 'listening')]);
  onvifPort = (camera.address() as AddressInfo).port;
  echoPort = (echo.address() as AddressInfo).port;
  server = stack.use(await startTestServer({ more: `[tunnel]\nfirst_port = ${await freePort()}` }));
});
after(() => stack.disposeAsync());

const tunnelUrl = () => `${server.base.replace('http', 'ws')}/tunnel`;

interface Answer {
  readonly ok: boolean;
  readonly error?: string;
  readonly data?: Readonly<Record<string, unknown>> & { readonly lines?: string[] };
  readonly attachment?: { readonly name: string; readonly base64: string };
}

function post<T>(path: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return server.api(path, { method: 'POST', headers, body: JSON.stringify(body) });
}

const ask = (agent: string, command: string, params: object = {}) =>
  post<Answer>(`/agents/${agent}/commands`, { command, params });

async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (const endMs = performance.now() + 15_000; performance.now() < endMs; await wait(50)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`not within 15 s: ${what}`);
}

interface AgentView {
  readonly id: string;
  readonly state: string;
  readonly software: string | null;
  readonly cameras: readonly { readonly id: string }[];
}

const agentOnce = (id: string, is: (agent: AgentView) => boolean) =>
  until(`the agent "${id}" as wanted`, async () => {
    const { agents } = await server.api<{ agents: AgentView[] }>('/agents');
    return agents.find((agent) => agent.id === id && is(agent));
  });

const camera = (more: object = {}) => ({
  ...{ name: 'cam', host: '127.0.0.1', rtsp_port: echoPort, onvif_port: onvifPort },
  ...{ username: 'admin', password: 'hush#hush', ...more },
});

/** An agent that is connected. */
async function startAgent(id: string, config: object = { cameras: [camera()] }): Promise<TestAgentProcess> {
  const agent = new TestAgentProcess(tunnelUrl(), { id, token: await enrolmentToken(server), config }).start();
  await isConnected(id).catch((error) => assert.fail(`${error}\n${agent.log}`));
  return agent;
}

const isConnected = (id: string) =>
  tunnelOnce(server, id, { is: ({ status }) => status === 'connected', withinMs: 15_000 });

/** A connection that has been answered once, and its end. */
async function openStanding(port: number): Promise<{ readonly ended: Promise<void> }> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write('hello');
  assert.equal(String((await once(socket, 'data'))[0]), 'hello');
  return { ended };
}

async function isEchoed(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('hello');
  for await (const data of socket) if (String(data) === 'hello') return true;
  return false;
}

describe('commands to agents', { concurrency: true, timeout: 60_000 }, () => {
  test('a picture, moves, the log, and what is refused', async () => {
    await using _agent = await startAgent('mover');
    const picture = await ask('mover', 'snapshot', { camera: 'cam' });
    assert.deepEqual(
      [picture.error, picture.attachment?.name, picture.attachment?.base64],
      [undefined, 'snapshot.jpg', jpeg.toString('base64')],
    );
    for (const params of [
      { command: 'left', speed: 255, duration_ms: 50 },
      { command: 'up_right', speed: 51, duration_ms: 50 },
      { command: 'preset', preset: '3' },
      { command: 'home' },
      { command: 'stop' },
    ]) {
      const answer = await ask('mover', 'ptz', { camera: 'cam', ...params });
      assert.equal(answer.ok, true, answer.error);
    }
    const expected = [
      'ContinuousMove -1 0',
      'Stop',
      'ContinuousMove 0.2 0.2',
      'Stop',
      'GotoPreset',
      'GotoHomePosition',
    ];
    assert.deepEqual(moves, [...expected, 'Stop']);
    const told = async (action: string) =>
      (await server.api<{ entries: { detail: string }[] }>(`/audit?action=${action}`)).entries.map(
        ({ detail }) => detail,
      );
    assert.deepEqual(
      [await told('ptz'), await told('snapshot')],
      [['commandAgent mover ptz cam'], ['commandAgent mover snapshot cam']],
    );
    const { data } = await ask('mover', 'log_tail', { lines: 50 });
    assert.ok(data!.lines!.some((line) => line.includes('The agent starts')));
    assert.ok(!data!.lines!.some((line) => line.includes('hush')));
    for (const [command, params, message] of [
      ['ptz', { camera: 'none', command: 'left' }, /no camera "none"/],
      ['ptz', { camera: 'cam', command: 'dance' }, /command/],
      ['update', { version: '9.0.0', url: 'http://127.0.0.1:1/x', signature: 'x' }, /script of its package/],
    ] as const) {
      const { ok, error } = await ask('mover', command, params);
      assert.equal(ok, false);
      assert.match(error!, message);
    }
    assert.deepEqual(await told('ptz'), [
      'commandAgent mover ptz cam failed',
      'commandAgent mover ptz none failed',
      'commandAgent mover ptz cam',
    ]);
    assert.ok((await told('configure')).includes('commandAgent mover update failed'));
  });

  test('a port is closed, its connections with it, and opened again under the same number', async () => {
    await using _agent = await startAgent('doors');
    const isOpen = async () =>
      (await tunnelOnce(server, 'doors', { is: ({ local_port }) => local_port !== null })).local_port!;
    const port = await isOpen();
    const { ended } = await openStanding(port);
    const target = { host: '127.0.0.1', port: echoPort };
    assert.equal((await ask('doors', 'close_port', target)).ok, true);
    await ended;
    await until('the port is closed', async () => {
      const { tunnel } = await server.api<{ tunnel: { ports: { remote_port: number }[] } }>('/tunnels/doors');
      return tunnel.ports.some((one) => one.remote_port === echoPort) ? undefined : true;
    });
    assert.equal((await ask('doors', 'open_port', { ...target, service: 'rtsp' })).ok, true);
    const again = await until('the port is open', async () => {
      const { tunnel } = await server.api<{ tunnel: { ports: { remote_port: number; local_port: number }[] } }>(
        '/tunnels/doors',
      );
      return tunnel.ports.find((one) => one.remote_port === echoPort)?.local_port;
    });
    assert.equal(again, port);
    assert.equal(await isEchoed(again), true);
  });

  test('no way of asking makes the agent reach more than its own configuration allows', async () => {
    await using agent = await startAgent('strict');
    const ways = [
      ['open_port', { host: '10.0.0.1', port: 22, service: 'tcp' }],
      ['configure', { config: { tunnel: { targets: ['10.0.0.1:22'] } } }],
      ['configure', { config: { cameras: [camera({ rtsp_port: 22 })] } }],
      ['configure', { config: { cameras: [camera({ ports: [22] })] } }],
      ['configure', { config: { cameras: [camera({ onvif_port: 22 })] } }],
      ['configure', { config: { cameras: [], tunnel: { remote_port: 22 }, discovery: { enabled: false } } }],
      ['configure', { config: { discovery: { enabled: true, ports: [22] } } }],
      ['configure', { config: { agent: { update_key: 'mine' } } }],
    ] as const;
    for (const [command, params] of ways) {
      const { ok, error } = await ask('strict', command, params);
      assert.equal(ok, false, JSON.stringify(params));
      assert.match(error!, /not among the targets|agent alone decides|on the agent itself|cannot be changed from afar/);
    }
    const { url } = await post<{ url: string }>('/agents/strict/page', { port: 22 });
    const { headers } = await fetch(url, { redirect: 'manual' });
    const cookie = headers.get('set-cookie')!.split(';')[0]!;
    assert.equal((await fetch(new URL(url).origin, { headers: { cookie } })).status, 502);
    await until('the agent says so', () => agent.log.includes('target that is not allowed') || undefined);
  });

  test('a configuration from afar takes hold by a new start, and is taken back', async () => {
    await using agent = await startAgent('changing');
    await agentOnce('changing', ({ cameras }) => cameras.some(({ id }) => id === 'cam'));
    const changed = await ask('changing', 'configure', { config: { cameras: [camera({ name: 'yard' })] } });
    assert.deepEqual(changed.data, { restart_needed: true }, changed.error);
    await agentOnce('changing', ({ cameras }) => cameras.some(({ id }) => id === 'yard'));
    assert.equal((await ask('changing', 'configure', { reset: true })).ok, true);
    await agentOnce('changing', ({ cameras }) => cameras.some(({ id }) => id === 'cam'));
    const before = agent.pid;
    assert.equal((await ask('changing', 'restart')).ok, true);
    await until('it starts anew', () => agent.log.split('The agent starts').length >= 5 || undefined);
    await isConnected('changing');
    assert.equal(agent.pid, before, 'in a clone the agent starts anew within its process');
  });

  test('a revoked agent is cut at once and told why; released it comes in with a token, and a new key', async () => {
    await using agent = await startAgent('guest');
    const { local_port } = await tunnelOnce(server, 'guest', { is: (tunnel) => tunnel.local_port !== null });
    const { ended } = await openStanding(local_port!);
    const beganMs = performance.now();
    await server.api('/agents/guest', { method: 'DELETE' });
    await ended;
    assert.ok(performance.now() - beganMs < 2000, 'cut at once');
    await until('it knows why', () => /session is over.*revoked/.test(agent.log) || undefined);
    await agent.stop();
    agent.start();
    await until('it is refused', () => /refuses this agent: .*revoked/.test(agent.log) || undefined);
    await agent.stop();
    await server.api('/agents/guest/release', { method: 'POST' });
    rmSync(join(agent.state, 'identity.json'));
    agent.start();
    await until('its token is used up', () => /refuses this agent: .*token/.test(agent.log) || undefined);
    await agent.stop();
    agent.setToken(await enrolmentToken(server));
    agent.start();
    await isConnected('guest');
    assert.equal(
      await isEchoed((await tunnelOnce(server, 'guest', { is: (one) => one.local_port !== null })).local_port!),
      true,
    );
    await agent.stop();
    rmSync(join(agent.state, 'identity.json'));
    agent.setToken(await enrolmentToken(server));
    agent.start();
    await until(
      'another key is refused',
      () => /refuses this agent: Another agent has this id/.test(agent.log) || undefined,
    );
  });

  test('updates: forged ones are refused, a good one is kept, a broken one is taken back', async () => {
    const token = await enrolmentToken(server);
    await using agent = await PackagedAgent.start({ serverUrl: tunnelUrl(), token, agentId: 'packaged' });
    const runs = (version: string) =>
      agentOnce(
        'packaged',
        ({ state, software }) => state === 'connected' && software === `watchpost-agent ${version}`,
      ).catch((error) => assert.fail(`${error.message}\n${agent.log}`));
    const notice = (text: string) =>
      until(text, async () => {
        const { events } = await server.api<{ events: { message: string }[] }>('/events?type=agent.notice&limit=20');
        return events.find(({ message }) => message === `"packaged": ${text}`);
      });
    await runs('0.1.0');
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const forged = await ask('packaged', 'update', agent.offer('0.2.0', agent.ofVersion('0.2.0'), stranger));
    assert.match(forged.error!, /signature .* nothing was changed/);
    const good = await ask('packaged', 'update', agent.offer('0.2.0', agent.ofVersion('0.2.0')));
    assert.deepEqual(good.data, { version: '0.2.0', on_trial: true }, good.error);
    await runs('0.2.0');
    await notice('version 0.2.0 has come up');
    const broken = await ask('packaged', 'update', agent.offer('0.3.0', 'throw new Error("broken")'));
    assert.equal(broken.ok, true, broken.error);
    await notice('version 0.3.0 did not come up; 0.2.0 runs again');
    await runs('0.2.0');
    assert.match(readFileSync(join(agent.state, 'update/failed.js'), 'utf8'), /broken/);
  });
});
