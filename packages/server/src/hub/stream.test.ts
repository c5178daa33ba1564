import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { StreamHub } from './stream-hub.ts';

test('pictures may wait while nobody reads; of what is recorded so long that a kill costs 1.2 s at most; and not for a viewer', async () => {
  const clock = new ManualClock();
  await using hub = new StreamHub({
    ...{ clock, logger: silentLogger, reconnectDelayMs: 1000 },
    protocolFor: () => undefined,
    pull: async () => {},
  });
  const stream = await hub.define({
    ...{ id: 'gate', title: 'Gate', protocol: 'rtsp', sources: [], record: true, onDemand: false, stopped: false },
    origin: 'api',
  });
  assert.equal(stream.patienceMs, Number.POSITIVE_INFINITY);
  const recorder = stream.openReader({ protocol: 'recorder', start: 'key' });
  assert.equal(stream.patienceMs, 0, 'nobody knows yet how many pictures come');
  for (const [fps, patienceMs] of [
    [25, 210],
    [10, 150],
    [2, 0],
  ] as const) {
    for (let second = 0; second < 8; second++) {
      stream.meter.frames += fps;
      clock.advance(1000);
    }
    assert.equal(Math.round(stream.patienceMs), patienceMs);
  }
  const viewer = stream.openReader({ protocol: 'fmp4', start: 'gop', onReady: () => {} });
  assert.equal(stream.patienceMs, 0);
  viewer.close();
  recorder.close();
  assert.equal(stream.patienceMs, Number.POSITIVE_INFINITY);
});
