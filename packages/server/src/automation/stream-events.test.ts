import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { NewEvent } from '../catalog/types.ts';
import { StreamHub } from '../hub/stream-hub.ts';
import { tellStreamEvents } from './stream-events.ts';

test('a stream that nobody sends yet is no warning; one whose publisher is lost is', async () => {
  await using hub = new StreamHub({
    ...{ clock: new ManualClock(), logger: silentLogger, reconnectDelayMs: 1000 },
    protocolFor: () => undefined,
    pull: async () => {},
  });
  const told: NewEvent[] = [];
  tellStreamEvents(hub, { emit: (event) => void told.push(event) });
  const stream = await hub.define({
    ...{ id: 'obs', title: 'obs', protocol: 'rtmp', sources: [], origin: 'api' },
    ...{ record: false, onDemand: false, stopped: false },
  });
  stream.setState('online');
  stream.setState('offline', new WatchpostError('The encoder left', { kind: 'unavailable', code: 'PUBLISHER_LEFT' }));
  assert.deepEqual(
    told.map(({ type, level, message }) => [type, level, message]),
    [
      ['stream.added', 'info', 'Stream added'],
      ['stream.offline', 'info', 'Waits for a publisher'],
      ['stream.online', 'info', 'Online'],
      ['stream.offline', 'warning', 'The encoder left'],
    ],
  );
});

test('an on-demand stream that nobody watches any more is idle, not offline', async () => {
  await using hub = new StreamHub({
    ...{ clock: new ManualClock(), logger: silentLogger, reconnectDelayMs: 1000 },
    protocolFor: () => undefined,
    pull: async () => {},
  });
  const stream = await hub.define({
    ...{ id: 'yard', title: 'yard', protocol: 'rtsp', sources: [], origin: 'api' },
    ...{ record: false, onDemand: true, stopped: false },
  });
  const told: NewEvent[] = [];
  tellStreamEvents(hub, { emit: (event) => void told.push(event) });
  stream.setState('online');
  stream.setState('on_demand');
  assert.deepEqual(
    told.map(({ type, level }) => [type, level]),
    [
      ['stream.online', 'info'],
      ['stream.idle', 'info'],
    ],
  );
});
