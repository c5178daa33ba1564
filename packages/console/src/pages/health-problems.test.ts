import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerState, Storage, Stream } from '../api/types.ts';
import { type HealthFacts, healthProblems } from './health-problems.ts';

const well = { stream_id: 'gate', title: 'Gate', state: 'online', recording: { state: 'recording' } } as Stream;
const disk = { name: 'local', state: 'ok', message: null, forecast_days: 9, retention_days: 7 };
const server = { outputs: [{ name: 'rtsp', listening: true }], dropped_events: 0, dropped_audit_rows: 0 };

function facts(change: { stream?: object; disk?: object; server?: object } = {}): HealthFacts {
  return {
    streams: [{ ...well, ...change.stream } as Stream],
    storage: { backends: [{ ...disk, ...change.disk }], streams: [] } as unknown as Storage,
    server: { ...server, ...change.server } as ServerState,
  };
}

const cases: readonly [string, Parameters<typeof facts>[0], string[]][] = [
  ['all is well', {}, []],
  ['a camera is offline', { stream: { state: 'offline', reason: null } }, ['camera error']],
  ['a camera that was stopped is no problem', { stream: { state: 'stopped' } }, []],
  ['a stream that nobody sends is no problem', { stream: { state: 'offline', awaits_publisher: true } }, []],
  [
    'recording fails where nobody sends',
    { stream: { state: 'offline', awaits_publisher: true, recording: { state: 'error', detail: 'x' } } },
    ['recording error'],
  ],
  ['recording fails', { stream: { recording: { state: 'error', detail: 'x' } } }, ['recording error']],
  ['a disk is low', { disk: { state: 'low' } }, ['disk warning']],
  ['a disk is missing', { disk: { state: 'missing' } }, ['disk error']],
  ['not all days fit', { disk: { forecast_days: 4.2 } }, ['short warning']],
  ['a port could not be had', { server: { outputs: [{ name: 'rtsp', listening: false }] } }, ['output error']],
  ['events were lost', { server: { dropped_events: 3 } }, ['events warning']],
  [
    'the gravest comes first',
    { disk: { state: 'low' }, server: { outputs: [{ name: 'rtsp', listening: false }] } },
    ['output error', 'disk warning'],
  ],
];
for (const [title, change, expected] of cases)
  test(title, () =>
    assert.deepEqual(
      healthProblems(facts(change)).map(({ id, level }) => `${id} ${level}`),
      expected,
    ),
  );

test('what may not be asked for is no problem', () => {
  assert.deepEqual(healthProblems({ streams: [well], storage: null, server: null }), []);
});
