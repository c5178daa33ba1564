import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { dialTcp } from '../../../net/dial.ts';
import { RtmpServerBench } from '../server/test-bench.ts';
import { pullRtmp } from './pull.ts';

test('a server that lets us play a name under which nobody publishes is left, as nginx does', async () => {
  await using bench = await RtmpServerBench.open();
  await bench.define('empty');
  const clock = new ManualClock();
  const signal = AbortSignal.timeout(10_000);
  const context = { dial: dialTcp, clock, signal, logger: silentLogger } as never;
  const source = parseSourceUrl(`rtmp://127.0.0.1:${bench.port}/live/empty`);
  const counters = { sessions: 0, bytes: 0 };
  const ended = assert.rejects(
    pullRtmp({ source, context, userAgent: 'test', chunkSize: 4096, counters }, () => assert.fail('there is nothing')),
    { kind: 'timeout', code: 'RTMP_NO_MEDIA' },
  );
  while (bench.counts.playersTotal === 0) await new Promise(setImmediate);
  const timer = setInterval(() => clock.advance(5000), 20);
  await ended;
  clearInterval(timer);
  assert.equal(counters.sessions, 0);
});
