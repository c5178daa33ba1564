import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { frameType, makeFrame } from '@watchpost/tunnel/frame.ts';
import { WebSocket } from 'ws';
import { TestAgent, type TestAgentOptions } from './test-agent.ts';
import { localPort, openBench, openEcho, target } from './test-bench.ts';

async function freePort(): Promise<number> {
  await using echo = await openEcho();
  return echo.port;
}

async function exchange(port: number, bytes: Uint8Array): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.end(bytes);
  await once(socket, 'close');
  return Buffer.concat(parts);
}

test('a local port is the port of the camera, byte for byte, both ways and half-closed', async () => {
  await using camera = await openEcho();
  await using bench = await openBench();
  await bench.agent({ agentId: 'gate', targets: [target(camera.port)] });
  const port = await localPort(bench, 'gate');
  const bytes = randomBytes(3_000_000);
  const back = await exchange(port, bytes);
  assert.equal(back.length, bytes.length);
  assert.ok(back.equals(bytes));
  assert.ok(bench.agents.registry.ports.of('gate')[0]!.bytesTransferred >= 6_000_000);
});

test('connections survive a tunnel that is cut again and again, not a byte lost', async () => {
  await using camera = await openEcho((socket) => {
    const bytes = randomBytes(6_000_000);
    const hash = createHash('sha256').update(bytes).digest();
    socket.end(Buffer.concat([bytes, hash]));
    socket.resume();
  });
  await using bench = await openBench();
  const targets = [{ ...target(camera.port), service: 'http' as const }];
  const agent = await bench.agent({ agentId: 'gate', targets, retryMs: 20 });
  const port = await localPort(bench, 'gate');
  const cutting = setInterval(() => agent.cut(), 40);
  const all = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const socket = connect({ port, host: '127.0.0.1' });
      const hash = createHash('sha256');
      let held = Buffer.alloc(0);
      let bytes = 0;
      // A reader that is slower than the tunnel, so that cuts meet bytes under way.
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        held = Buffer.concat([held, chunk]);
        bytes += chunk.length;
        hash.update(held.subarray(0, Math.max(0, held.length - 32)));
        held = held.subarray(Math.max(0, held.length - 32));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      return { bytes, isRight: hash.digest().equals(held) };
    }),
  );
  clearInterval(cutting);
  assert.deepEqual(new Set(all.map(({ bytes, isRight }) => `${bytes} ${isRight}`)), new Set(['6000032 true']));
  assert.ok(agent.connects > 3, `${agent.connects} connections`);
  assert.equal(bench.agents.registry.counts().accepted, 1);
});

test('a viewer that stalls holds up nobody', async () => {
  await using camera = await openEcho((socket) => {
    const timer = setInterval(() => socket.write(Buffer.alloc(200_000)), 5);
    socket.on('close', () => clearInterval(timer));
    socket.resume();
  });
  await using bench = await openBench();
  await bench.agent({ agentId: 'gate', targets: [target(camera.port)] });
  const port = await localPort(bench, 'gate');
  const stalled = connect({ port, host: '127.0.0.1' });
  stalled.pause();
  const reader = connect({ port, host: '127.0.0.1' });
  let bytes = 0;
  reader.on('data', (chunk) => {
    bytes += chunk.length;
  });
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.ok(bytes > 4_000_000, `${bytes} bytes`);
  stalled.destroy();
  reader.destroy();
});

test('local ports are the same after a restart, and a wish is granted where it can be', async () => {
  await using camera = await openEcho();
  const { mkdtemp, rm } = await import('node:fs/promises');
  const folder = await mkdtemp('/tmp/watchpost-agents-');
  const wish = await freePort();
  let keys: TestAgent['keys'];
  let ports: number[] = [];
  const first = await freePort();
  {
    await using bench = await openBench({ first_port: first }, `${folder}/a.db`);
    const agent = await bench.agent({ agentId: 'b', targets: [target(camera.port, wish)] });
    keys = agent.keys;
    await bench.agent({ agentId: 'a', targets: [target(camera.port, wish)] });
    ports = [await localPort(bench, 'b'), await localPort(bench, 'a')];
    assert.deepEqual(ports, [wish, first]);
  }
  {
    await using bench = await openBench({ first_port: first }, `${folder}/a.db`);
    assert.deepEqual([await localPort(bench, 'b'), await localPort(bench, 'a')], ports);
    // Before its agent is back, the port refuses.
    await assert.rejects(exchange(ports[0]!, Buffer.from('x')), /ECONNRESET/);
    await bench.agent({ agentId: 'b', ...(keys && { keys }), targets: [target(camera.port, wish)] });
    assert.deepEqual(await exchange(ports[0]!, Buffer.from('hello')), Buffer.from('hello'));
  }
  await rm(folder, { recursive: true });
});

test('a target that goes and comes back has its port again, whoever came meanwhile', async () => {
  await using bench = await openBench();
  const agent = await bench.agent({ agentId: 'gate', targets: [target(1), target(2)] });
  const first = await localPort(bench, 'gate');
  agent.say({ type: 'targets', targets: [target(2), target(3)] });
  const portOf = (port: number) => bench.agents.registry.ports.of('gate').find((one) => one.port === port)?.localPort;
  await agent.until(() => portOf(3) !== undefined && portOf(1) === undefined);
  assert.notEqual(portOf(3), first);
  agent.say({ type: 'targets', targets: [target(1), target(2), target(3)] });
  await agent.until(() => portOf(1) !== undefined);
  assert.equal(portOf(1), first);
});

test('an agent that has not looked for cameras yet closes no port', async () => {
  await using bench = await openBench();
  const agent = await bench.agent({ agentId: 'gate', targets: [target(1), target(2)] });
  const known = () => bench.agents.registry.ports.of('gate').map(({ port }) => port);
  await agent.until(() => known().length === 2);
  agent.say({ type: 'targets', targets: [target(3)], partial: true });
  await agent.until(() => known().includes(3));
  assert.deepEqual(known().toSorted(), [1, 2, 3]);
  agent.say({ type: 'targets', targets: [target(3)] });
  await agent.until(() => known().length === 1);
  assert.deepEqual(known(), [3]);
});

test('a wish that another program had does not move the port once that is gone; a new wish does', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const wish = (other.address() as AddressInfo).port;
  await using bench = await openBench();
  const agent = await bench.agent({ agentId: 'gate', targets: [target(1, wish)] });
  const given = await localPort(bench, 'gate');
  assert.notEqual(given, wish);
  other.close();
  await once(other, 'close');
  const portOf = (port: number) => bench.agents.registry.ports.of('gate').find((one) => one.port === port)?.localPort;
  agent.say({ type: 'targets', targets: [target(1, wish), target(2)] });
  await agent.until(() => portOf(2) !== undefined);
  assert.equal(portOf(1), given);
  const newWish = await freePort();
  agent.say({ type: 'targets', targets: [target(1, newWish), target(2)] });
  await agent.until(() => portOf(1) === newWish);
});

test('tokens that are wrong, expired, used up or taken back let nobody in; a pinned key does', async () => {
  await using bench = await openBench();
  const { url } = bench;
  const once1 = await bench.token(1);
  const good = await bench.agent({ agentId: 'good', token: once1 });
  const cases: [string, Partial<TestAgentOptions>, string][] = [
    ['used up', { token: once1 }, 'token_used_up'],
    ['expired', { token: await bench.token(1, -1) }, 'token_expired'],
    ['unknown', { token: `wpe_000000000000_${'A'.repeat(32)}` }, 'token_invalid'],
    ['none', {}, 'token_required'],
  ];
  for (const [agentId, options, reason] of cases) {
    using agent = new TestAgent({ url, agentId: agentId.replace(' ', '-'), ...options });
    await agent.until(({ refused, failure }) => refused !== undefined || failure !== undefined);
    assert.equal(agent.refused?.reason, reason, agentId);
  }
  using forger = new TestAgent({
    url,
    agentId: 'forger',
    token: `${(await bench.token()).slice(0, 17)}${'A'.repeat(32)}`,
  });
  await forger.until(({ refused, failure }) => refused !== undefined || failure !== undefined);
  assert.equal((forger.failure as { code: string }).code, 'TUNNEL_SERVER_KEY');
  using thief = new TestAgent({ url, agentId: 'good', token: await bench.token() });
  await thief.until(({ refused }) => refused !== undefined);
  assert.equal(thief.refused?.reason, 'key_mismatch');
  await bench.agents.registry.release('good');
  using heir = new TestAgent({ url, agentId: 'good', token: await bench.token() });
  await heir.connected();
  await good.until(({ refused }) => refused !== undefined);
  assert.equal(good.refused?.reason, 'key_mismatch');
  await bench.agents.registry.revoke('good');
  await heir.until(({ refused }) => refused !== undefined);
  assert.equal(heir.refused?.reason, 'revoked');
  assert.equal(bench.agents.registry.status('good'), undefined);
});

test('of two agents with one identity the newest has the tunnel, at once', async () => {
  await using camera = await openEcho();
  await using bench = await openBench();
  const first = await bench.agent({
    agentId: 'gate',
    targets: [target(camera.port)],
    instance: 'one',
    retryMs: 60_000,
  });
  const port = await localPort(bench, 'gate');
  const second = await bench.agent({
    agentId: 'gate',
    instance: 'two',
    targets: [target(camera.port)],
    ...(first.keys && { keys: first.keys }),
  });
  await first.until(({ goAway }) => goAway !== undefined);
  assert.equal(first.goAway?.reason, 'replaced');
  assert.ok(first.goAway!.retryAfterMs >= 30_000);
  assert.ok(second.welcome!.epoch > first.welcome!.epoch);
  assert.equal(await localPort(bench, 'gate'), port);
  assert.deepEqual(await exchange(port, Buffer.from('hello')), Buffer.from('hello'));
  assert.ok(bench.events.some(({ type }) => type === 'agent.duplicate'));
});

test('an agent that was not heard of for the grace time is offline, and its connections end', async () => {
  await using camera = await openEcho();
  await using bench = await openBench({ resume_grace: 1 });
  const agent = await bench.agent({ agentId: 'gate', targets: [target(camera.port)], retryMs: 600_000 });
  const port = await localPort(bench, 'gate');
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write('x');
  await once(socket, 'data');
  agent.cut();
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
  assert.equal(bench.agents.registry.session('gate'), undefined);
  const types = bench.events.map(({ type }) => type);
  assert.deepEqual(types, ['agent.enrolled', 'agent.online', 'agent.offline']);
});

test('a target that the agent does not allow, and more connections than allowed, are refused', async () => {
  await using camera = await openEcho();
  await using bench = await openBench({ max_connections: 2 });
  await bench.agent({ agentId: 'gate', targets: [target(camera.port)] });
  await assert.rejects(bench.agents.dial({ host: 'gate', port: 1 }), { code: 'TUNNEL_NOT_ALLOWED' });
  await assert.rejects(bench.agents.dial({ host: 'nobody', port: 554 }), { code: 'AGENT_OFFLINE' });
  await localPort(bench, 'gate');
  const sockets = [await bench.agents.dial({ host: 'gate', port: camera.port })];
  sockets.push(await bench.agents.dial({ host: 'gate', port: camera.port }));
  await assert.rejects(bench.agents.dial({ host: 'gate', port: camera.port }), { code: 'TUNNEL_CONNECTIONS_FULL' });
  for (const socket of sockets) socket.destroy();
});

test('a camera that its agent does not reach is named, and so is the agent', async () => {
  await using camera = await openEcho();
  await using bench = await openBench();
  await bench.agent({ agentId: 'gate', targets: [target(camera.port)], onTcp: () => {} });
  await localPort(bench, 'gate');
  const message = `The agent "gate" did not reach 127.0.0.1:${camera.port} within 0.1 s — check the camera and the agent's network`;
  await assert.rejects(bench.agents.dial({ host: 'gate', port: camera.port, timeoutMs: 100 }), { message });
});

test('dial gives a socket that reads, writes, pauses and ends like one', async () => {
  await using camera = await openEcho();
  await using bench = await openBench();
  await bench.agent({ agentId: 'gate', targets: [target(camera.port)] });
  await localPort(bench, 'gate');
  const parts: Buffer[] = [];
  const direct = await bench.agents.dial({
    host: 'gate',
    port: camera.port,
    onRead: (bytes, buffer) => void parts.push(Buffer.from(buffer.slice(0, bytes))),
  });
  direct.end('direct');
  await once(direct, 'close');
  assert.equal(Buffer.concat(parts).toString(), 'direct');
  const socket = await bench.agents.dial({ host: 'gate', port: camera.port });
  const bytes = randomBytes(2_000_000);
  socket.end(bytes);
  const back: Buffer[] = [];
  for await (const part of socket as AsyncIterable<Buffer>) {
    back.push(part);
    if (back.length % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(Buffer.concat(back).equals(bytes));
});

test('a command is answered, with what came beside the answer', async () => {
  await using bench = await openBench();
  await bench.agent({
    agentId: 'gate',
    onMessage: (message, agent) => {
      if (message?.type !== 'command') return;
      const { command_id, command } = message;
      if (command === 'snapshot') {
        const request = Buffer.from(JSON.stringify({ kind: 'reply', command_id, name: 'snapshot.jpg' }));
        const none = () => {};
        const channel = agent.session!.open(request, 'bulk', { data: none, end: none, drain: none, closed: none });
        channel.write(Buffer.alloc(300_000, 7));
        channel.end();
      }
      agent.say({ type: 'command_result', command_id, ok: command !== 'update', error: 'no' });
    },
  });
  const session = bench.agents.registry.require('gate');
  const picture = await session.command('snapshot', {});
  assert.deepEqual(
    [picture.ok, picture.attachment?.name, picture.attachment?.bytes.length],
    [true, 'snapshot.jpg', 300_000],
  );
  assert.deepEqual(await session.command('update', {}), { ok: false, error: 'no' });
});

test('whoever breaks the protocol is sent away, and the others do not notice', async () => {
  await using camera = await openEcho();
  await using bench = await openBench();
  await bench.agent({ agentId: 'good', targets: [target(camera.port)] });
  const port = await localPort(bench, 'good');
  const flood = async (messages: readonly Uint8Array[]) => {
    const webSocket = new WebSocket(bench.url, { perMessageDeflate: false });
    webSocket.on('error', () => {});
    await once(webSocket, 'open');
    for (const message of messages) webSocket.send(message);
    await once(webSocket, 'close');
  };
  await flood([new Uint8Array(20)]);
  await flood([new Uint8Array(200_000)]);
  await flood([makeFrame(frameType.hello, 0, Buffer.from('{"agent_id":"x"}'))]);
  await flood(Array.from({ length: 50 }, () => makeFrame(frameType.data, 2, new Uint8Array(1000))));
  const bad = await bench.agent({ agentId: 'bad', retryMs: 60_000 });
  bad.session!.open(Buffer.from('{"kind":"nonsense"}'), 'bulk', { data() {}, end() {}, drain() {}, closed() {} });
  bad.say({ type: 'targets', targets: [{ host: 'x', port: 1, service: 'nonsense' as 'tcp' }] });
  await bad.until(({ goAway }) => goAway !== undefined);
  assert.equal(bad.goAway?.reason, 'protocol');
  assert.deepEqual(await exchange(port, Buffer.from('hello')), Buffer.from('hello'));
});

test('when the server stops, each agent is told a time of its own to come back', async () => {
  const agents: TestAgent[] = [];
  {
    await using bench = await openBench();
    const token = await bench.token(20);
    for (let i = 0; i < 20; i++) agents.push(await bench.agent({ agentId: `a${i}`, token, retryMs: 60_000 }));
    bench.agents.registry.stop();
    for (const agent of agents) await agent.until(({ goAway }) => goAway !== undefined);
  }
  const waits = agents.map(({ goAway }) => goAway!.retryAfterMs);
  assert.ok(new Set(waits).size > 15 && Math.max(...waits) - Math.min(...waits) > 3000, waits.join());
  assert.ok(agents.every(({ goAway }) => goAway?.reason === 'shutdown'));
});
