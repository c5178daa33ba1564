import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { openBench } from '../../agents/test-bench.ts';
import { openDatabase } from '../../catalog/database.ts';
import { GapStore } from '../../catalog/gap-store.ts';
import type { StreamDefinition } from '../../hub/types.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { Backfill } from './backfill.ts';

const definition: StreamDefinition = {
  id: 's',
  title: 's',
  protocol: 'rtsp',
  sources: [parseSourceUrl('rtsp+tunnel://gate:554/main')],
  record: true,
  onDemand: false,
  stopped: false,
  origin: 'file',
};

test('a rate that changes counts for the next gap', async () => {
  await using bench = await openBench();
  await using stack = new AsyncDisposableStack();
  const database = stack.adopt(await openDatabase(':memory:'), (opened) => opened.destroy());
  const gaps = new GapStore(database);
  const nowMs = Date.now();
  for (const startMs of [nowMs - 60_000, nowMs - 30_000])
    await gaps.insert({ streamId: 's', startMs, endMs: startMs + 10_000, reason: 'camera_offline' });
  let rate = 100_000;
  const asked: unknown[] = [];
  await using _backfill = new Backfill({
    ...{ agents: bench.agents.registry, streams: { list: () => [{ id: 's', definition }] }, database },
    ...{
      clock: systemClock,
      logger: silentLogger,
      events: { emit: () => {} },
      backends: new Map([['memory', new MemoryStorage()]]),
    },
    segmentMs: () => 10_000,
    maxBytesPerSecond: () => rate,
  });
  const agent = await bench.agent({
    agentId: 'gate',
    targets: [{ host: '127.0.0.1', port: 554, service: 'rtsp' }],
    onChannel: (channel, request) => {
      if (request.kind === 'backfill') asked.push(request.maxBytesPerSecond);
      rate = 200_000;
      channel.accept({ data: () => {}, end: () => {}, drain: () => {}, closed: () => {} });
      channel.end();
    },
  });
  const ranges = [{ start_ms: nowMs - 100_000, end_ms: nowMs, bytes: 1000 }];
  await agent.until(() => bench.agents.registry.ports.of('gate').length === 1);
  const buffers = [{ buffer: 'b', host: '127.0.0.1', port: 554, path: '/main', ranges }];
  agent.say({ type: 'backfill_offer', now_ms: nowMs, buffers });
  await agent.until(() => asked.length === 2);
  assert.deepEqual(asked, [100_000, 200_000]);
});
