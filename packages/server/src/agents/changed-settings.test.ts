// Settings that change while agents are there: they count for what comes next, and nobody is thrown out.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { diffConfig } from '../config/diff.ts';
import { tunnelSection, tunnelSettings } from './section.ts';
import { TestAgent } from './test-agent.ts';
import { localPort, openBench, openEcho, target } from './test-bench.ts';

test('max_connections counts for the next connection; those that are there stay', async () => {
  await using camera = await openEcho();
  await using bench = await openBench({ max_connections: 1 });
  await bench.agent({ agentId: 'gate', targets: [target(camera.port)] });
  await localPort(bench, 'gate');
  const dial = () => bench.agents.dial({ host: 'gate', port: camera.port });
  const sockets = [await dial()];
  await assert.rejects(dial(), { code: 'TUNNEL_CONNECTIONS_FULL' });
  const { settings } = bench.agents.registry;
  bench.agents.configure({ ...settings, max_connections: 2 });
  sockets.push(await dial());
  bench.agents.configure({ ...settings, max_connections: 1 });
  await assert.rejects(dial(), { code: 'TUNNEL_CONNECTIONS_FULL' });
  for (const socket of sockets) {
    socket.write('still');
    assert.equal(String((await once(socket, 'data'))[0]), 'still');
    socket.destroy();
  }
});

test('max_agents counts for the next enrolment; agents that are known come back', async () => {
  await using bench = await openBench({ max_agents: 1 });
  const { settings } = bench.agents.registry;
  const token = await bench.token(4);
  const first = await bench.agent({ agentId: 'a', token, retryMs: 20 });
  using refused = new TestAgent({ url: bench.url, agentId: 'b', token });
  await refused.until((agent) => agent.refused !== undefined);
  assert.equal(refused.refused?.reason, 'too_many_agents');
  bench.agents.configure({ ...settings, max_agents: 2 });
  await bench.agent({ agentId: 'b', token });
  bench.agents.configure({ ...settings, max_agents: 1 });
  const { connects } = first;
  first.cut();
  await first.until((agent) => agent.connects > connects && agent.session?.state === 'up');
  assert.equal(bench.agents.registry.counts().online, 2);
});

test('max_bytes_per_second counts for what is under way', { timeout: 20_000 }, async () => {
  await using camera = await openEcho();
  await using bench = await openBench();
  const { settings } = bench.agents.registry;
  await bench.agent({ agentId: 'gate', targets: [target(camera.port)] });
  const socket = connect({ port: await localPort(bench, 'gate'), host: '127.0.0.1' });
  let bytes = 0;
  socket.on('data', (data) => {
    bytes += data.length;
  });
  bench.agents.configure({ ...settings, max_bytes_per_second: 20_000 });
  const sent = 4_000_000;
  socket.end(randomBytes(sent));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.ok(bytes < sent, `${bytes} bytes`);
  bench.agents.configure({ ...settings, max_bytes_per_second: 0 });
  await once(socket, 'close');
  assert.equal(bytes, sent);
});

test('resume_grace counts for the next cut of a session that is there, and agents are told', async () => {
  await using bench = await openBench({ resume_grace: 60 });
  const { registry } = bench.agents;
  const { settings } = registry;
  const agent = await bench.agent({ agentId: 'gate', retryMs: 20 });
  bench.agents.configure({ ...settings, resume_grace: 30 });
  agent.cut();
  await agent.until(({ welcome }) => welcome?.resumed === true);
  assert.equal(agent.welcome?.graceMs, 30_000);
  const lonely = await bench.agent({ agentId: 'lonely', retryMs: 600_000 });
  bench.agents.configure({ ...settings, resume_grace: 1 });
  lonely.cut();
  await lonely.until(() => registry.session('lonely') === undefined, 5000);
  assert.equal(registry.session('gate')?.tunnel.state, 'up');
});

test('auto_adopt hears of cameras that were reported before, once', async () => {
  await using bench = await openBench();
  const { registry } = bench.agents;
  const told: string[] = [];
  registry.listen({ cameras: (agentId, cameras) => void told.push(`${agentId} ${cameras.length}`) });
  const agent = await bench.agent({ agentId: 'gate' });
  await bench.agent({ agentId: 'empty' });
  agent.say({ type: 'cameras', cameras: [{ id: 'cam', host: '127.0.0.1', reachable: true, streams: [] }] });
  await agent.until(() => told.length === 1);
  const on = { ...registry.settings, auto_adopt: true };
  bench.agents.configure({ ...on, max_agents: 7 });
  bench.agents.configure(on);
  assert.deepEqual(told, ['gate 1', 'gate 1']);
});

test('only what is listened on waits for a restart', () => {
  const before = tunnelSection.schema.parse(undefined);
  const { schema } = tunnelSection;
  const wanted = tunnelSettings({
    tunnel: schema.parse({
      ...{ path: '/other', bind: '127.0.0.2', first_port: 1, page_port: 2, page_bind: '127.0.0.2' },
      ...{ max_agents: 1, max_connections: 1, max_bytes_per_second: 1, resume_grace: 1, page_ports: 1 },
      ...{ auto_adopt: true, backfill_bytes_per_second: 10_000, page_url: 'https://*.cameras.example' },
    }),
  });
  const costs = Object.groupBy(diffConfig(schema, before, wanted).changes, ({ cost }) => cost);
  const keys = (cost: keyof typeof costs) => costs[cost]?.map(({ key }) => key);
  assert.deepEqual(keys('restart'), ['path', 'bind', 'first_port', 'page_port', 'page_bind']);
  assert.deepEqual(keys('these readers'), ['page_url']);
  assert.equal(keys('nothing')?.length, 7);
});
