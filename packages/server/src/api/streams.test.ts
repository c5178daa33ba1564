import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { createRtmp } from '../protocols/rtmp/index.ts';
import { type ApiFixture, openApiFixture, withoutLogins } from './api-fixture.ts';
import type { IngestProtocol, RecorderControl } from './dependencies.ts';

const open = { overrides: withoutLogins } as const;

async function ask(fixture: ApiFixture, method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, payload?: object) {
  const answer = await fixture.app.inject({ method, url: `/api/v1${path}`, ...(payload ? { payload } : {}) });
  return {
    status: answer.statusCode,
    body: answer.body === '' ? undefined : answer.json(),
    type: answer.headers['content-type'],
  };
}

const alaw = { id: 0, kind: 'audio', codec: 'pcma', clockRate: 8000, parameterSets: [] } as const;
const gate = {
  stream_id: 'gate',
  source_url: 'rtsp://192.0.2.10:554/cam?channel=1',
  username: 'admin',
  password: 'p@ss/#1',
};

test('a stream tells by which way its source comes, and why not by the one that was wanted', async () => {
  await using fixture = await openApiFixture(open);
  await ask(fixture, 'POST', '/streams', gate);
  const stream = fixture.deps.hub.get('gate')!;
  const viewed = async () => (await ask(fixture, 'GET', '/streams/gate')).body.source.transport;
  stream.useSource(0, undefined);
  assert.equal(await viewed(), null);
  stream.publish([], undefined, { name: 'udp' });
  assert.deepEqual(await viewed(), { name: 'udp', instead_of: null, reason: null });
  const reason = new WatchpostError('nothing comes', { kind: 'timeout', code: 'RTSP_UDP_SILENT' });
  stream.publish([], undefined, { name: 'tcp', insteadOf: { name: 'udp', reason } });
  assert.deepEqual(await viewed(), {
    name: 'tcp',
    instead_of: 'udp',
    reason: { kind: 'timeout', code: 'RTSP_UDP_SILENT', message: 'nothing comes' },
  });
});

test('a stream made by its address answers as the stream it is, and nowhere shows its password', async () => {
  await using fixture = await openApiFixture(open);
  const made = await ask(fixture, 'POST', '/streams', { ...gate, title: 'Ворота' });
  assert.equal(made.status, 201);
  assert.deepEqual(made.body, {
    stream_id: 'gate',
    title: 'Ворота',
    protocol: 'rtsp',
    source_url: 'rtsp://192.0.2.10:554/cam?channel=1',
    publish_path: null,
    fallback_urls: [],
    source: null,
    state: 'connecting',
    reason: null,
    retry_at: null,
    since: '2025-10-09T08:53:20.000Z',
    awaits_publisher: false,
    origin: 'api',
    on_demand: false,
    sub_stream_id: null,
    main_stream_id: null,
    tracks: [],
    left_out: [],
    outputs: ['fmp4', 'hls'],
    push: [],
    readers: 0,
    recording: {
      enabled: true,
      mode: 'continuous',
      schedule: null,
      manual: null,
      pre_roll: null,
      post_roll: null,
      max_event: null,
      retention_days: null,
      max_bytes: null,
      state: 'off',
      since: null,
      reason: null,
      detail: null,
      cause: null,
      event: null,
      next_change: null,
    },
  });
  for (const path of ['/streams', '/streams/gate', '/streams/gate/stats', '/events'])
    assert.ok(!JSON.stringify((await ask(fixture, 'GET', path)).body).includes('ss/'), path);
  assert.equal(fixture.deps.hub.get('gate')!.definition.sources[0]!.password, 'p@ss/#1');
});

test('the promised ingest request makes the same stream, under the other prefix as well', async () => {
  await using fixture = await openApiFixture(open);
  const payload = { protocol: 'rtsp', stream_id: 'gate', source: { rtsp: { url: 'rtsp://u:p@192.0.2.10/x' } } };
  const made = await fixture.app.inject({ method: 'POST', url: '/api/video/streams/ingest', payload });
  assert.equal(made.statusCode, 201, made.body);
  assert.deepEqual([made.json().stream_id, made.json().source_url], ['gate', 'rtsp://192.0.2.10/x']);
  const again = await ask(fixture, 'POST', '/streams/ingest', payload);
  assert.deepEqual(
    [again.status, again.body.code, again.type],
    [409, 'STREAM_EXISTS', 'application/problem+json; charset=utf-8'],
  );
});

test('what a recording leaves out of a stream stands beside what outputs leave out', async () => {
  const track = { id: 1, kind: 'audio', codec: 'g726', clockRate: 8000, parameterSets: [] } as const;
  const recorder: RecorderControl = {
    ...{ start: () => {}, stop: () => {}, auto: () => {}, review: () => {}, isEventWanted: () => false },
    ...{ state: () => ({ state: 'recording' }), stats: () => ({}), storageReport: async () => [] },
    removeRecordings: async () => {},
    leftOut: (id) => (id === 'gate' ? [{ track, reason: 'MP4 has no place for it' }] : []),
  };
  await using fixture = await openApiFixture({ overrides: { ...open.overrides, recorder } });
  await ask(fixture, 'POST', '/streams', gate);
  await ask(fixture, 'POST', '/streams', { ...gate, stream_id: 'yard' });
  assert.deepEqual((await ask(fixture, 'GET', '/streams/gate')).body.left_out, [
    { output: 'recording', codec: 'g726', reason: 'MP4 has no place for it' },
  ]);
  assert.deepEqual((await ask(fixture, 'GET', '/streams/yard')).body.left_out, []);
});

const wrong: readonly { name: string; path: string; payload: object; field: string }[] = [
  { name: 'an id with a slash', path: '/streams', payload: { ...gate, stream_id: 'a/b' }, field: 'stream_id' },
  { name: 'an id in capitals', path: '/streams', payload: { ...gate, stream_id: 'Gate' }, field: 'stream_id' },
  {
    name: 'the id of a second quality',
    path: '/streams',
    payload: { ...gate, stream_id: 'gate.sub' },
    field: 'stream_id',
  },
  { name: 'no address', path: '/streams', payload: { stream_id: 'gate' }, field: 'source_url' },
  {
    name: 'an address that is none',
    path: '/streams',
    payload: { ...gate, source_url: 'rtsp//192.0.2.1' },
    field: 'source_url',
  },
  {
    name: 'a file as address',
    path: '/streams',
    payload: { ...gate, source_url: 'file:/etc/passwd' },
    field: 'source_url',
  },
  {
    name: 'a protocol that is not there',
    path: '/streams',
    payload: { ...gate, protocol: 'carrier-pigeon' },
    field: 'protocol',
  },
  { name: 'a wrong type', path: '/streams', payload: { ...gate, record: 'yes' }, field: 'record' },
  { name: 'an unknown key', path: '/streams', payload: { ...gate, recrod: true }, field: 'recrod' },
  { name: 'a broken second address', path: '/streams', payload: { ...gate, sub_url: 'x' }, field: 'sub_url' },
  ...(['source_url', 'sub_url'] as const).map((field) => ({
    name: `an option that the protocol does not know, in ${field},`,
    path: '/streams',
    payload: { ...gate, [field]: 'rtsp://192.0.2.10/x#odd=1' },
    field,
  })),
  {
    name: 'an option that the protocol does not know, in a further source,',
    path: '/streams',
    payload: { ...gate, fallback_urls: ['rtsp://192.0.2.10/x', 'rtsp://192.0.2.10/y#odd=1'] },
    field: 'fallback_urls',
  },
  {
    name: 'an option that the protocol does not know, in a target,',
    path: '/streams',
    payload: { ...gate, push: ['rtsp://192.0.2.10/x', 'rtsp://192.0.2.10/y#odd=1'] },
    field: 'push.1',
  },
  {
    name: 'an ingest with an option that the protocol does not know',
    path: '/streams/ingest',
    payload: { protocol: 'rtsp', stream_id: 'a', source: { rtsp: { url: 'rtsp://192.0.2.10/x#odd=1' } } },
    field: 'source.rtsp.url',
  },
  {
    name: 'an ingest by a protocol that this server does not have',
    path: '/streams/ingest',
    payload: { protocol: 'webrtc', stream_id: 'gate', source: { webrtc: {} } },
    field: 'protocol',
  },
  {
    name: 'an ingest without source',
    path: '/streams/ingest',
    payload: { protocol: 'rtsp', stream_id: 'a', source: {} },
    field: 'source.rtsp',
  },
  {
    name: 'an ingest with a broken address',
    path: '/streams/ingest',
    payload: { protocol: 'rtsp', stream_id: 'a', source: { rtsp: { url: 'nowhere' } } },
    field: 'source.rtsp.url',
  },
];

for (const { name, path, payload, field } of wrong)
  test(`${name} is refused, naming ${field}`, async () => {
    await using fixture = await openApiFixture(open);
    const { status, body } = await ask(fixture, 'POST', path, payload);
    assert.equal(status, 400);
    assert.deepEqual(
      body.errors.map((error: { field: string }) => error.field),
      [field],
    );
    assert.equal(fixture.deps.hub.list().length, 0);
  });

test('streams are paged in order of their ids', async () => {
  await using fixture = await openApiFixture(open);
  for (const id of ['c', 'a', 'e', 'b', 'd']) await ask(fixture, 'POST', '/streams', { ...gate, stream_id: id });
  const seen: string[] = [];
  for (let after = ''; ; ) {
    const { body } = await ask(fixture, 'GET', `/streams?limit=2${after && `&after=${after}`}`);
    seen.push(...body.streams.map((stream: { stream_id: string }) => stream.stream_id));
    if (body.next === null) break;
    after = body.next;
  }
  assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e']);
});

test('a stream on demand is recorded only where that is asked for', async () => {
  await using fixture = await openApiFixture(open);
  const recorded = async (more: object) => {
    const { body } = await ask(fixture, 'POST', '/streams', { ...gate, on_demand: true, ...more });
    await ask(fixture, 'DELETE', '/streams/gate');
    return body.recording.enabled;
  };
  assert.deepEqual([await recorded({}), await recorded({ record: true })], [false, true]);
});

test('a second quality is a stream of its own that comes and goes with the main one', async () => {
  await using fixture = await openApiFixture(open);
  const made = await ask(fixture, 'POST', '/streams', { ...gate, sub_url: 'rtsp://192.0.2.10:554/cam?channel=2' });
  assert.equal(made.body.sub_stream_id, 'gate.sub');
  const sub = await ask(fixture, 'GET', '/streams/gate.sub');
  assert.deepEqual(
    [sub.body.main_stream_id, sub.body.on_demand, sub.body.recording.enabled, sub.body.state],
    ['gate', true, false, 'on_demand'],
  );
  assert.equal(fixture.deps.hub.get('gate.sub')!.definition.sources[0]!.password, 'p@ss/#1');
  assert.equal((await ask(fixture, 'DELETE', '/streams/gate.sub')).body.code, 'SECOND_QUALITY');
  assert.equal((await ask(fixture, 'PATCH', '/streams/gate', { sub_url: null })).body.sub_stream_id, null);
  assert.equal((await ask(fixture, 'GET', '/streams/gate.sub')).status, 404);
});

test('a change keeps what it does not name, and a password only for the host that it was given for', async () => {
  await using fixture = await openApiFixture(open);
  await ask(fixture, 'POST', '/streams', gate);
  const source = () => fixture.deps.hub.get('gate')!.definition.sources[0]!;
  await ask(fixture, 'PATCH', '/streams/gate', { title: 'Gate' });
  assert.deepEqual([source().url, source().password], ['rtsp://192.0.2.10:554/cam?channel=1', 'p@ss/#1']);
  await ask(fixture, 'PATCH', '/streams/gate', { source_url: 'rtsp://192.0.2.10:554/other' });
  assert.deepEqual([source().path, source().password], ['/other', 'p@ss/#1']);
  await ask(fixture, 'PATCH', '/streams/gate', { source_url: 'rtsp://203.0.113.5/other' });
  assert.deepEqual([source().host, source().username, source().password], ['203.0.113.5', undefined, undefined]);
  await ask(fixture, 'PATCH', '/streams/gate', { username: 'u', password: 'p' });
  assert.deepEqual([source().username, source().password], ['u', 'p']);
  await ask(fixture, 'PATCH', '/streams/gate', { password: null });
  assert.deepEqual([source().username, source().password], ['u', undefined]);
});

test('a stream that is published at a place of its own keeps it, alone, over a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'watchpost-'));
  const ingestProtocols = () => [takingRtmp()];
  const options = { overrides: { ...open.overrides, ingestProtocols }, path: join(folder, 'watchpost.db') };
  const ingest = (fixture: ApiFixture, id: string, rtmp: object) =>
    ask(fixture, 'POST', '/streams/ingest', { protocol: 'rtmp', stream_id: id, source: { rtmp } });
  try {
    {
      await using fixture = await openApiFixture(options);
      const made = await ingest(fixture, 'gate', { app: 'cam', stream: 'one' });
      assert.deepEqual([made.status, made.body.publish_path, made.body.state], [201, 'cam/one', 'offline']);
      for (const [id, rtmp] of [
        ['yard', { app: 'cam', stream: 'one' }],
        ['yard', { app: 'live', stream: 'gate' }],
      ] as const) {
        const { status, body } = await ingest(fixture, id, rtmp);
        assert.deepEqual([status, body.code], [409, 'PUBLISH_PATH_TAKEN']);
      }
      assert.equal((await ingest(fixture, 'door', { app: 'live', stream: 'key' })).status, 201);
      assert.equal((await ingest(fixture, 'key', {})).status, 409);
      for (const rtmp of [{ app: 'x' }, { app: 'x', stream: 'a/b' }, { app: 1, stream: 'b' }, { nap: 'x' }])
        assert.deepEqual((await ingest(fixture, 'odd', rtmp)).body.code, 'PUBLISH_PATH_INVALID');
      const both = await ingest(fixture, 'odd', { app: 'x', stream: 'b', url: 'rtmp://192.0.2.1/x' });
      assert.deepEqual([both.status, both.body.errors[0].field], [400, 'source.rtmp']);
      const patch = (publish_path: string | null) => ask(fixture, 'PATCH', '/streams/door', { publish_path });
      assert.equal((await patch('a/b/c')).body.publish_path, 'a/b/c');
      assert.equal((await patch(null)).body.publish_path, null);
      for (const path of ['cam/one', 'live/gate']) assert.equal((await patch(path)).body.code, 'PUBLISH_PATH_TAKEN');
      for (const path of ['', 'x', '/x', 'x/', 'a//b', 'a b/c']) {
        const { status, body } = await patch(path);
        assert.deepEqual(
          [status, body.code, body.errors[0].field],
          [400, 'PUBLISH_PATH_INVALID', 'publish_path'],
          path,
        );
      }
      assert.equal((await patch('live/key')).status, 200);
      assert.equal((await ask(fixture, 'PATCH', '/streams/door', { title: 'x' })).body.publish_path, 'live/key');
    }
    await using fixture = await openApiFixture(options);
    const loaded = await fixture.deps.definitions.load();
    assert.deepEqual(
      loaded.map(({ id, publishPath }) => [id, publishPath]),
      [
        ['door', 'live/key'],
        ['gate', 'cam/one'],
      ],
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

function takingRtmp(): IngestProtocol {
  const publishPaths = createRtmp({ userAgent: 'test' }).publishPaths!;
  const publishAddresses = ({ id, publishPath }: { id: string; publishPath?: string }, hostname: string) => [
    { server: `rtmp://${hostname}:1935/app`, key: publishPath ?? id },
  ];
  return { name: 'rtmp', schemes: ['rtmp'], takesPublishers: true, publishPaths, publishAddresses };
}

test('a stream that waits for publishers tells where they send it, one that is pulled tells nothing', async () => {
  const ingestProtocols = () => [takingRtmp(), { name: 'rtsp', schemes: ['rtsp'], takesPublishers: true }];
  await using fixture = await openApiFixture({ overrides: { ...open.overrides, ingestProtocols } });
  await ask(fixture, 'POST', '/streams/ingest', { protocol: 'rtmp', stream_id: 'door', source: { rtmp: {} } });
  await ask(fixture, 'POST', '/streams', gate);
  const addresses = async (id: string) => (await ask(fixture, 'GET', `/streams/${id}/publish`)).body.addresses;
  const [{ url, server, key }] = await addresses('door');
  assert.deepEqual([server.split(':').slice(2), key, url], [['1935/app'], 'door', `${server}/door`]);
  assert.deepEqual(await addresses('gate'), []);
  const refused = await ask(fixture, 'PATCH', '/streams/gate', { publish_path: 'a/b' });
  assert.deepEqual([refused.status, refused.body.errors[0].field], [400, 'publish_path']);
  await ask(fixture, 'POST', '/streams/ingest', { protocol: 'rtsp', stream_id: 'yard', source: { rtsp: {} } });
  const other = await ask(fixture, 'PATCH', '/streams/yard', { publish_path: 'a/b' });
  assert.match(other.body.detail, /by its id alone/);
});

test('a change is refused where a protocol does not take its address, and not for one that is there already', async () => {
  await using fixture = await openApiFixture(open);
  await ask(fixture, 'POST', '/streams', gate);
  const { status, body } = await ask(fixture, 'PATCH', '/streams/gate', { sub_url: 'rtsp://192.0.2.10/s#odd=1' });
  assert.deepEqual([status, body.code, body.errors[0].field], [400, 'RTSP_OPTION_INVALID', 'sub_url']);
  assert.equal(fixture.deps.hub.get('gate.sub'), undefined);
  const known = (await fixture.deps.definitions.get('gate'))!;
  const sources = [parseSourceUrl('rtsp://192.0.2.10/older#odd=1')];
  await fixture.deps.definitions.replace({ ...known, sources });
  assert.equal((await ask(fixture, 'PATCH', '/streams/gate', { title: 'Gate' })).status, 200);
});

test('cameras of the configuration file cannot be changed or removed here, but stopped and recorded', async () => {
  await using fixture = await openApiFixture(open);
  await fixture.deps.hub.define({
    id: 'yard',
    title: 'Yard',
    protocol: 'rtsp',
    sources: [],
    record: false,
    onDemand: false,
    stopped: false,
    origin: 'file',
  });
  for (const method of ['PATCH', 'DELETE'] as const) {
    const { status, body } = await ask(
      fixture,
      method,
      '/streams/yard',
      method === 'PATCH' ? { title: 'x' } : undefined,
    );
    assert.deepEqual([status, body.code], [409, 'defined_in_file']);
  }
  assert.equal((await ask(fixture, 'POST', '/streams/yard/stop')).body.state, 'stopped');
  assert.equal((await ask(fixture, 'POST', '/streams/yard/recording/start')).body.recording.enabled, true);
  assert.deepEqual(fixture.recorderCalls, ['start yard']);
});

test('a stream that its publisher made cannot be changed until it is kept; then it stays without the publisher', async () => {
  const ingestProtocols = () => [takingRtmp(), { name: 'rtsp', schemes: ['rtsp'], takesPublishers: true }];
  await using fixture = await openApiFixture({ overrides: { ...open.overrides, ingestProtocols } });
  const { hub } = fixture.deps;
  const stream = await hub.publishers.claim('obs', 'rtmp');
  const publisher = stream.publish([{ track: alaw, format: {} }]);
  publisher.writeUnit(0, { pts: 0, dts: 0, key: true, units: [new Uint8Array(160)] });
  publisher.flush();
  const shown = (await ask(fixture, 'GET', '/streams/obs')).body;
  assert.deepEqual([shown.origin, shown.state, shown.awaits_publisher], ['publisher', 'online', false]);
  const { status, body } = await ask(fixture, 'PATCH', '/streams/obs', { title: 'x' });
  assert.deepEqual([status, body.code], [409, 'MADE_BY_PUBLISHER']);
  for (const other of [
    { protocol: 'rtsp', source: { rtsp: {} } },
    { source: { rtsp: { url: 'rtsp://192.0.2.1/' } } },
  ]) {
    const refused = await ask(fixture, 'POST', '/streams/ingest', { protocol: 'rtsp', stream_id: 'obs', ...other });
    assert.deepEqual([refused.status, refused.body.code], [409, 'STREAM_EXISTS']);
  }
  const wanted = { protocol: 'rtmp', stream_id: 'obs', source: { rtmp: {} }, record: false };
  const kept = (await ask(fixture, 'POST', '/streams/ingest', wanted)).body;
  assert.deepEqual([kept.origin, kept.state], ['api', 'online'], 'the publisher is not interrupted');
  assert.equal((await ask(fixture, 'PATCH', '/streams/obs', { title: 'x' })).status, 200);
  publisher.close();
  hub.publishers.release(stream);
  fixture.clock.advance(60_000);
  stream.setState('offline');
  const left = (await ask(fixture, 'GET', '/streams/obs')).body;
  assert.deepEqual([left.title, left.state, left.awaits_publisher], ['x', 'offline', true]);
});

test('a stream that was made for whoever watches a camera is not kept as one without an address', async () => {
  const ingestProtocols = () => [{ name: 'rtsp', schemes: ['rtsp'], takesPublishers: true }];
  await using fixture = await openApiFixture({ overrides: { ...open.overrides, ingestProtocols } });
  const { hub } = fixture.deps;
  const sources = [parseSourceUrl('rtsp://192.0.2.1/main')];
  await hub.define({
    ...{ id: 'watched', title: '', protocol: 'rtsp', sources, record: false, onDemand: true, stopped: false },
    origin: 'publisher',
  });
  const { status, body } = await ask(fixture, 'PATCH', '/streams/watched', { title: 'x' });
  assert.deepEqual([status, body.code], [409, 'MADE_BY_PUBLISHER']);
  assert.match(body.detail, /whoever watches it.* under another id$/);
  const wanted = { protocol: 'rtsp', stream_id: 'watched', source: { rtsp: {} } };
  const refused = await ask(fixture, 'POST', '/streams/ingest', wanted);
  assert.deepEqual([refused.status, refused.body.code], [409, 'STREAM_EXISTS']);
  assert.deepEqual(hub.get('watched')!.definition.sources, sources);
});

test('a stream may have further sources, with the same login on the same device', async () => {
  await using fixture = await openApiFixture(open);
  const fallback_urls = ['rtsp://192.0.2.10/second', 'rtsp://u:p@192.0.2.11/x'];
  const made = await ask(fixture, 'POST', '/streams', { ...gate, fallback_urls });
  assert.deepEqual(made.body.fallback_urls, ['rtsp://192.0.2.10/second', 'rtsp://192.0.2.11/x']);
  const logins = () =>
    fixture.deps.hub.get('gate')!.definition.sources.map(({ host, path, username }) => [host, path, username]);
  const expected = [
    ['192.0.2.10', '/cam?channel=1', 'admin'],
    ['192.0.2.10', '/second', 'admin'],
    ['192.0.2.11', '/x', 'u'],
  ];
  assert.deepEqual(logins(), expected);
  await ask(fixture, 'PATCH', '/streams/gate', { title: 'x' });
  assert.deepEqual(logins(), expected);
  await ask(fixture, 'PATCH', '/streams/gate', { fallback_urls: ['rtsp://192.0.2.11/x'] });
  assert.deepEqual(logins(), [expected[0], expected[2]]);
  // The other way round, as the API shows them: each keeps its own login.
  const order = { source_url: 'rtsp://192.0.2.11/x', fallback_urls: [made.body.source_url] };
  assert.equal((await ask(fixture, 'PATCH', '/streams/gate', order)).status, 200);
  assert.deepEqual(logins(), [expected[2], expected[0]]);
});

test('recordings stay when a stream is removed, unless asked otherwise', async () => {
  await using fixture = await openApiFixture(open);
  for (const query of ['', '?recordings=delete']) {
    await ask(fixture, 'POST', '/streams', gate);
    assert.equal((await ask(fixture, 'DELETE', `/streams/gate${query}`)).status, 204);
    assert.equal((await ask(fixture, 'GET', '/streams/gate')).body.code, 'STREAM_NOT_FOUND');
  }
  assert.deepEqual(fixture.recorderCalls, ['remove gate']);
  assert.equal((await ask(fixture, 'DELETE', '/streams/gate?recordings=maybe')).body.errors[0].field, 'recordings');
});

test('streams, stops and recording switches survive a restart; a new stream of an old name does not inherit them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'watchpost-'));
  const path = join(folder, 'watchpost.db');
  try {
    {
      await using fixture = await openApiFixture({ ...open, path });
      await ask(fixture, 'POST', '/streams', { ...gate, title: 'Gate', sub_url: 'rtsp://192.0.2.10:554/sub' });
      await ask(fixture, 'POST', '/streams', { ...gate, stream_id: 'yard' });
      await ask(fixture, 'POST', '/streams/gate/stop');
      await ask(fixture, 'POST', '/streams/gate/recording/stop');
    }
    await using fixture = await openApiFixture({ ...open, path });
    const loaded = await fixture.deps.definitions.load();
    assert.deepEqual(
      loaded.map(({ id, title, stopped, record, manual, origin }) => ({ id, title, stopped, record, manual, origin })),
      [
        { id: 'gate', title: 'Gate', stopped: true, record: true, manual: false, origin: 'api' },
        { id: 'gate.sub', title: 'Gate', stopped: false, record: false, manual: undefined, origin: 'api' },
        { id: 'yard', title: 'yard', stopped: false, record: true, manual: undefined, origin: 'api' },
      ],
    );
    assert.deepEqual(loaded[0]!.sources[0], {
      scheme: 'rtsp',
      url: 'rtsp://192.0.2.10:554/cam?channel=1',
      host: '192.0.2.10',
      port: 554,
      path: '/cam?channel=1',
      username: 'admin',
      password: 'p@ss/#1',
    });
    for (const definition of loaded) await fixture.deps.hub.define(definition);
    await ask(fixture, 'DELETE', '/streams/gate');
    assert.equal((await ask(fixture, 'POST', '/streams', gate)).body.state, 'connecting');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the address to watch at is signed for this stream, absolute, and names what there is when asked for something else', async () => {
  await using fixture = await openApiFixture();
  const user = await fixture.deps.identity.users.add({ name: 'anna', password: 'long enough', role: 'admin' });
  const { secret } = await fixture.deps.identity.tokens.create(user, { name: 'x' });
  const headers = { authorization: `Bearer ${secret}`, host: 'nvr.local:8080' };
  await fixture.app.inject({ method: 'POST', url: '/api/v1/streams', headers, payload: gate });
  const play = (await fixture.app.inject({ url: '/api/v1/streams/gate/play?protocol=hls', headers })).json();
  assert.match(play.path, /^\/hls\/gate\/index\.m3u8\?token=l/);
  assert.equal(play.url, `http://nvr.local:8080${play.path}`);
  assert.equal(play.expires, '2025-10-09T20:53:20.000Z');
  const query = new URL(play.url).searchParams;
  const request = { action: 'live', headers: {}, query, remoteAddress: '' } as const;
  await fixture.api.access.authorize({ ...request, streamId: 'gate' });
  await assert.rejects(fixture.api.access.authorize({ ...request, streamId: 'yard' }), { code: 'TOKEN_INVALID' });
  const other = await fixture.app.inject({ url: '/api/v1/streams/gate/play?protocol=flv', headers });
  assert.deepEqual(other.json().errors, [
    { field: 'protocol', message: '"flv" is not available here — these are: fmp4, ws-fmp4, hls' },
  ]);
  const socket = (await fixture.app.inject({ url: '/api/v1/streams/gate/play?protocol=ws-fmp4', headers })).json();
  assert.equal(socket.url, `ws://nvr.local:8080${socket.path}`);
  assert.deepEqual([socket.protocol, socket.path.slice(0, 18)], ['ws-fmp4', '/fmp4/gate?token=l']);
});

test('an output that carries nothing of a stream, or does not listen, is refused with those that do', async () => {
  const path = (id: string) => `/x/${id}`;
  const outputs = () => [
    { protocol: 'ts', path, leftOut: ({ codec }: { codec: string }) => `no ${codec}` },
    { protocol: 'rtsp', path, leftOut: () => undefined, origin: () => undefined },
    { protocol: 'flv', path, leftOut: () => undefined, webSocket: true },
  ];
  await using fixture = await openApiFixture({ overrides: { ...withoutLogins, outputs } });
  await ask(fixture, 'POST', '/streams', gate);
  const publisher = fixture.deps.hub.get('gate')!.publish([{ track: alaw, format: {} }]);
  publisher.writeUnit(0, { pts: 0, dts: 0, key: true, units: [new Uint8Array(160)] });
  const ts = await ask(fixture, 'GET', '/streams/gate/play?protocol=ts');
  assert.deepEqual([ts.status, ts.body.code], [422, 'OUTPUT_CARRIES_NOTHING']);
  assert.match(ts.body.detail, /no pcma — these are: flv, ws-flv$/);
  const rtsp = await ask(fixture, 'GET', '/streams/gate/play?protocol=rtsp');
  assert.deepEqual([rtsp.status, rtsp.body.code], [503, 'OUTPUT_NOT_LISTENING']);
  assert.equal((await ask(fixture, 'GET', '/streams/gate/play')).body.protocol, 'flv');
});

test('targets are shown without logins and stream keys, and kept where they are sent back as shown', async () => {
  await using fixture = await openApiFixture(open);
  const push = ['rtsp://u:p@192.0.2.7/live/gate', 'rtmps://live.example.com/app/key-1?auth=2'];
  const made = await ask(fixture, 'POST', '/streams', { ...gate, push });
  assert.equal(made.status, 201);
  const shown = made.body.push.map(({ url }: { url: string }) => url);
  assert.deepEqual(shown, ['rtsp://192.0.2.7/live/gate', 'rtmps://live.example.com/app/***?***']);
  assert.equal(made.body.push[0].state, 'waiting');
  const changed = await ask(fixture, 'PATCH', '/streams/gate', { push: [shown[1], shown[0]] });
  assert.equal(changed.status, 200);
  const kept = fixture.deps.hub.get('gate')!.definition.push!;
  assert.deepEqual(
    kept.map(({ url, password }) => [url, password]),
    [
      ['rtmps://live.example.com/app/key-1?auth=2', undefined],
      ['rtsp://192.0.2.7/live/gate', 'p'],
    ],
  );
  const refused = await ask(fixture, 'PATCH', '/streams/gate', { push: ['nonsense'] });
  assert.equal(refused.status, 400);
});
