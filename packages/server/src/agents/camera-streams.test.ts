import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { StreamHub } from '../hub/stream-hub.ts';
import { CameraStreams } from './camera-streams.ts';
import { localPort, openBench, target } from './test-bench.ts';

/** Agents with a camera each at the same address, and the paths of their cameras. */
async function open(...agentIds: readonly string[]) {
  const stack = new AsyncDisposableStack();
  const bench = stack.use(await openBench());
  for (const agentId of agentIds) {
    await bench.agent({ agentId, targets: [target(554)] });
    await localPort(bench, agentId);
  }
  const clock = new ManualClock();
  const hub = stack.use(
    new StreamHub({
      ...{ clock, logger: silentLogger, reconnectDelayMs: 1000 },
      protocolFor: () => undefined,
      pull: async () => {},
    }),
  );
  const streams = stack.use(new CameraStreams({ registry: bench.agents.registry, hub, clock }));
  const define = (id: string, url: string) =>
    hub.define({
      ...{ id, title: '', protocol: 'rtsp', sources: [parseSourceUrl(url)], record: false },
      ...{ onDemand: true, stopped: false, origin: 'api' },
    });
  return { clock, hub, streams, define, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('a path that nobody watches goes after a while; one that the configuration names by now stays', async () => {
  await using o = await open('gate');
  const made = await o.streams.open('/agent/gate/main', '');
  assert.equal(await o.streams.open('/agent/gate/main', 'token=x'), made);
  const named = await o.streams.open('/agent/gate/sub', 'a=b');
  await o.hub.define({ ...named.definition, origin: 'file' });
  for (let look = 0; look < 3; look++) {
    o.clock.advance(20_000);
    await new Promise(setImmediate);
  }
  assert.deepEqual(
    o.hub.list().map(({ id }) => id),
    [named.id],
  );
});

test("a camera's login is that of another stream of it, not of one with its address behind another agent", async () => {
  await using o = await open('b', 'a.b');
  await o.define('other', 'rtsp+tunnel://them:theirs@127.0.0.1.a.b:554/main');
  const without = await o.streams.open('/agent/b/x', '');
  assert.deepEqual([without.definition.sources[0]!.host, without.definition.sources[0]!.username], ['b', undefined]);
  await o.define('own', 'rtsp+tunnel://us:ours@127.0.0.1.b:554/main');
  const { username, password } = (await o.streams.open('/agent/b/y', '')).definition.sources[0]!;
  assert.deepEqual([username, password], ['us', 'ours']);
});
