import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentFleet } from './agent-fleet.ts';
import { freePort, startTestServer } from './harness.ts';
import { enrolmentToken } from './tunnel-harness.ts';

const count = Number(process.env['FLEET'] ?? 500);

test('hundreds of agents come back to a server that was restarted, and to one that was killed: spread, none left out', async () => {
  await using server = await startTestServer({ more: `[tunnel]\nfirst_port = ${await freePort()}` });
  const token = await enrolmentToken(server, count);
  await using fleet = new AgentFleet({ url: `${server.base.replace('http', 'ws')}/tunnel`, token, count });
  await fleet.admitted({ withinMs: 60_000 });
  // Told when to come back: over 10 s and more.
  const told = await fleet.outlive(server, () => server.stop());
  assert.ok(told.busiestSecond < count / 3, `${told.busiestSecond} agents were let in within a second`);
  assert.ok(told.lastMs < 20_000, `the last one after ${told.lastMs} ms`);
  // Not told anything: each tries about once a second while its session could be resumed.
  const untold = await fleet.outlive(server, async () => void process.kill(server.pid, 'SIGKILL'));
  assert.ok(untold.attemptsInASecond <= count * 2.5, `${untold.attemptsInASecond} attempts within a second`);
  assert.ok(untold.lastMs < 15_000, `the last one after ${untold.lastMs} ms`);
});
