import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { openApiFixture } from '../api-fixture.ts';
import { toMetricName, writeExposition } from './exposition.ts';

const namePattern = /^[a-z_][a-z0-9_]*$/;
const linePattern = /^([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (-?[0-9.e+-]+|[+-]Inf|NaN)$/;

interface Parsed {
  readonly type: string;
  readonly help: string;
  readonly values: Map<string, number>;
}

/** Reads the text format 0.0.4 strictly: HELP, then TYPE, then the values of one metric together, none twice. */
function parse(text: string): Map<string, Parsed> {
  const families = new Map<string, Parsed>();
  let current: [string, Parsed] | undefined;
  let help: [string, string] | undefined;
  assert.ok(text.endsWith('\n') && !text.includes('\n\n'));
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment?.[1] === 'HELP') {
      help = [comment[2]!, comment[3]!];
    } else if (comment) {
      assert.equal(help?.[0], comment[2], `HELP before TYPE: ${line}`);
      assert.ok(namePattern.test(comment[2]!) && !families.has(comment[2]!), line);
      current = [comment[2]!, { type: comment[3]!, help: help![1], values: new Map() }];
      families.set(...current);
    } else {
      const match = linePattern.exec(line);
      assert.ok(match && current && match[1] === current[0], line);
      assert.ok(!current[1].values.has(match[2] ?? ''), `twice: ${line}`);
      current[1].values.set(match[2] ?? '', Number(match[3]!.replace('Inf', 'Infinity')));
    }
  }
  return families;
}

async function openLoaded() {
  const fixture = await openApiFixture({
    overrides: {
      webhooks: () => [{ name: 'pager', waiting: 4, delivered: 5, dropped: 6 }],
      protocolStats: () => [
        { protocol: 'fmp4', stats: { viewers: 2, bytes_sent: 7, viewers_total: 9 } },
        { protocol: 'hls', stats: { viewers: 1, lostFragments: 3 } },
      ],
      recorder: {
        start: () => {},
        stop: () => {},
        auto: () => {},
        review: () => {},
        isEventWanted: () => false,
        state: () => ({ state: 'off' }),
        leftOut: () => [],
        removeRecordings: async () => {},
        stats: () => ({ streams: 2, lostFragments: 1, commitMs: 250 }),
        storageReport: async () => [
          {
            ...{ name: 'a"b\\c\nd', state: 'low', totalBytes: 100, freeBytes: 5, recordedBytes: 50, lockedBytes: 7 },
            ...{ writeBytesPerSecond: 3, retentionDays: 7, forecastDays: 0.5 },
          },
        ],
      },
    },
  });
  const { hub, identity } = fixture.deps;
  const base = { title: '', protocol: 'rtsp', record: false, onDemand: false, stopped: true, origin: 'api' } as const;
  for (const id of ['gate', 'yard']) await hub.define({ ...base, id, sources: [] });
  await hub.define({ ...base, id: 'drone', sources: [], stopped: false });
  const sources = [parseSourceUrl('rtsp://192.0.2.1/a')];
  await hub.define({ ...base, id: 'cellar', sources, stopped: false, onDemand: true });
  await hub.define({ ...base, id: 'porch', sources, stopped: false });
  const user = await identity.users.add({ name: 'anna', password: 'long enough', role: 'viewer' });
  const { secret } = await identity.tokens.create(user, { name: 'prometheus' });
  const read = () => fixture.app.inject({ url: '/metrics', headers: { authorization: `Bearer ${secret}` } });
  return { fixture, read, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

test('the metrics are what Prometheus reads: each named once, with help, type and unit', async () => {
  await using opened = await openLoaded();
  const answer = await opened.read();
  assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const families = parse(answer.body);
  for (const [name, { type, values }] of families) {
    assert.equal(type, name.endsWith('_total') ? 'counter' : 'gauge', name);
    assert.ok(values.size > 0, name);
    assert.doesNotMatch(name, /_(ms|milliseconds|kb|minutes|hours|days|percent)(_|$)/, `base units: ${name}`);
  }
  assert.ok(families.size >= 35, `${families.size}`);
});

test('they tell of streams, protocols, recorder, storage, requests, events and the process', async () => {
  await using opened = await openLoaded();
  opened.fixture.events.emit({ type: 'disk.low', level: 'warning', message: '' });
  await opened.fixture.app.inject({ url: '/api/v1/streams' });
  await opened.fixture.app.inject({ url: '/no/such/page.txt' });
  const families = parse((await opened.read()).body);
  const expected: readonly [name: string, labels: string, value: number][] = [
    ['watchpost_streams', 'state="stopped"', 2],
    ['watchpost_streams', 'state="online"', 0],
    ['watchpost_streams', 'state="offline"', 0],
    ['watchpost_streams', 'state="awaiting_publisher"', 1],
    ['watchpost_stream_awaits_publisher', 'stream="drone"', 1],
    ['watchpost_stream_awaits_publisher', 'stream="gate"', 0],
    ['watchpost_stream_up', 'stream="gate"', 0],
    ['watchpost_stream_wanted', 'stream="gate"', 0],
    ['watchpost_stream_wanted', 'stream="drone"', 0],
    ['watchpost_stream_wanted', 'stream="cellar"', 0],
    ['watchpost_stream_wanted', 'stream="porch"', 1],
    ['watchpost_stream_received_bytes_total', 'stream="yard"', 0],
    ['watchpost_protocol_viewers', 'protocol="fmp4"', 2],
    ['watchpost_protocol_viewers', 'protocol="hls"', 1],
    ['watchpost_protocol_lost_fragments_total', 'protocol="hls"', 3],
    ['watchpost_recorder_commit_seconds', '', 0.25],
    ['watchpost_recorder_lost_fragments_total', '', 1],
    ['watchpost_storage_free_bytes', 'backend="a\\"b\\\\c\\nd"', 5],
    ['watchpost_storage_forecast_seconds', 'backend="a\\"b\\\\c\\nd"', 43_200],
    ['watchpost_storage_state', 'backend="a\\"b\\\\c\\nd",state="low"', 1],
    ['watchpost_hub_cache_bytes', '', 0],
    ['watchpost_webhook_waiting_events', 'webhook="pager"', 4],
    ['watchpost_webhook_delivered_events_total', 'webhook="pager"', 5],
    ['watchpost_webhook_dropped_events_total', 'webhook="pager"', 6],
    ['watchpost_http_requests_total', 'route="api",status="4xx"', 1],
    ['watchpost_events_total', 'type="disk.low"', 1],
  ];
  for (const [name, labels, value] of expected)
    assert.equal(families.get(name)?.values.get(labels), value, `${name}{${labels}}`);
  assert.ok(families.get('process_resident_memory_bytes')!.values.get('')! > 1e7);
  assert.ok(families.get('watchpost_event_loop_lag_max_seconds')!.values.get('')! >= 0);
});

test('what was never measured is left out rather than zero', async () => {
  await using opened = await openLoaded();
  const families = parse((await opened.read()).body);
  assert.ok(!families.has('watchpost_stream_gop_seconds'));
});

test('numbers and names are written as the format wants them', () => {
  const text = writeExposition([
    {
      name: 'a',
      help: 'One\\two\nthree.',
      type: 'gauge',
      samples: [
        [{}, Infinity],
        [{ x: '1' }, 1e21],
        [{ x: '2' }, NaN],
      ],
    },
    { name: 'b', help: 'None.', type: 'gauge', samples: [] },
  ]);
  assert.equal(text, '# HELP a One\\\\two\\nthree.\n# TYPE a gauge\na +Inf\na{x="1"} 1e+21\na{x="2"} NaN\n');
  assert.equal(toMetricName('rtcpSenderReports-lost'), 'rtcp_sender_reports_lost');
});
