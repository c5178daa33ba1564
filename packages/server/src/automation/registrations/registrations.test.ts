import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { openDatabase } from '../../catalog/database.ts';
import { RegistrationStore } from '../../catalog/registration-store.ts';
import type { NewEvent } from '../../catalog/types.ts';
import { readConfigText } from '../../config/load.ts';
import type { HubChange } from '../../hub/stream-hub.ts';
import type { Registrable } from './registrar.ts';
import { Registrations } from './registrations.ts';
import { type RegistrationSettings, registrationsSection } from './section.ts';
import { TestFlussonic, TestVms, TestWatcher } from './test-systems.ts';

/** Streams that come and go, without a hub behind them. */
class TestStreams {
  readonly titles = new Map<string, string>();
  tunnels: Registrable[] = [];
  readonly #listeners = new Set<(change: HubChange) => void>();

  set(id: string, title: string | undefined): void {
    if (title === undefined) this.titles.delete(id);
    else this.titles.set(id, title);
    for (const listener of this.#listeners) listener({ type: 'defined' } as HubChange);
  }

  list() {
    return [...this.titles].map(([id, title]) => ({ id, definition: { title } })) as never;
  }

  onChange(listener: (change: HubChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

async function open(t: TestContext, settings: readonly RegistrationSettings[], streams = new TestStreams()) {
  const database = await openDatabase(':memory:');
  const store = new RegistrationStore(database, systemClock);
  const told: NewEvent[] = [];
  const parts = {
    store,
    hub: streams,
    tunnels: () => streams.tunnels,
    clock: systemClock,
    logger: silentLogger,
    events: { emit: (event: NewEvent) => void told.push(event) },
    userAgent: 'Watchpost/test',
    firstDelayMs: 20,
  };
  const start = async () => {
    const registrations = await Registrations.open(parts);
    registrations.configure(settings);
    t.after(() => registrations[Symbol.asyncDispose]());
    return registrations;
  };
  t.after(() => database.destroy());
  return { registrations: await start(), restart: start, streams, told };
}

const flussonic = (url: string, more: Partial<RegistrationSettings> = {}) =>
  ({
    type: 'flussonic',
    name: 'main',
    url,
    username: 'admin',
    password: 'letmein',
    streams: ['*'],
    of: 'streams',
    address: 'rtsp://vms:s3cret@192.0.2.9:8554/live/{stream_id}',
    remote_name: 'wp-{stream_id}',
    ...more,
  }) as RegistrationSettings;

async function settled(registrations: Registrations): Promise<string[]> {
  for (let tries = 0; tries < 200; tries++) {
    await pause(10);
    const states = registrations.status.flatMap(({ streams }) => streams);
    if (states.every(({ state }) => state !== 'pending')) break;
  }
  return registrations.status.flatMap(({ streams }) => streams.map(({ streamId, state }) => `${streamId} ${state}`));
}

test('streams are registered once, changed when they change, and removed when they are gone', async (t) => {
  await using system = new TestFlussonic();
  const { registrations, streams } = await open(t, [flussonic(await system.listen())]);
  streams.set('gate', 'Main gate');
  streams.set('yard', '大门');
  assert.deepEqual(await settled(registrations), ['gate registered', 'yard registered']);
  assert.deepEqual(system.streams.get('wp-gate'), {
    name: 'wp-gate',
    title: 'Main gate',
    inputs: [{ url: 'rtsp://vms:s3cret@192.0.2.9:8554/live/gate' }],
  });
  const before = system.requests.length;
  streams.set('gate', 'Main gate');
  await settled(registrations);
  assert.equal(system.requests.length, before, 'nothing changed, so nothing is sent');
  streams.set('gate', 'Front gate');
  await settled(registrations);
  assert.equal(system.streams.get('wp-gate')?.title, 'Front gate');
  streams.set('yard', undefined);
  await settled(registrations);
  assert.deepEqual([...system.streams.keys()], ['wp-gate']);
  assert.deepEqual(system.violations, []);
});

test('only streams that a pattern names are registered', async (t) => {
  await using system = new TestFlussonic();
  const { registrations, streams } = await open(t, [flussonic(await system.listen(), { streams: ['gate*', 'yard'] })]);
  for (const id of ['gate', 'gate.sub', 'yard', 'yard-2', 'old-gate']) streams.set(id, id);
  assert.deepEqual(await settled(registrations), ['gate registered', 'gate.sub registered', 'yard registered']);
});

test('what is there under the name and was not made by us is left alone', async (t) => {
  await using system = new TestFlussonic();
  const theirs = { name: 'wp-gate', title: 'Somebody', inputs: [{ url: 'rtsp://198.51.100.1/x' }] };
  system.streams.set('wp-gate', theirs);
  const { registrations, streams, told } = await open(t, [flussonic(await system.listen())]);
  streams.set('gate', 'Gate');
  assert.deepEqual(await settled(registrations), ['gate conflict']);
  streams.set('gate', undefined);
  await settled(registrations);
  assert.equal(system.streams.get('wp-gate'), theirs);
  assert.deepEqual(
    told.map(({ type, streamId }) => [type, streamId]),
    [['registration.refused', 'gate']],
  );
});

test('a system that is away is tried again, and an operator is told when it fails and recovers', async (t) => {
  await using system = new TestFlussonic();
  for (let i = 0; i < 4; i++) system.forced.push({ status: 503 });
  const { registrations, streams, told } = await open(t, [flussonic(await system.listen())]);
  streams.set('gate', 'Gate');
  assert.deepEqual(await settled(registrations), ['gate registered']);
  assert.deepEqual(
    told.map(({ type }) => type),
    ['registration.failing', 'registration.recovered'],
  );
});

test('a stream that is refused does not hold up the others', async (t) => {
  await using system = new TestFlussonic();
  const { registrations, streams } = await open(t, [flussonic(await system.listen(), { remote_name: '{title}' })]);
  streams.set('first', 'no name for Flussonic!');
  streams.set('second', 'fine');
  assert.deepEqual(await settled(registrations), ['first refused', 'second registered']);
  assert.match(registrations.status[0]!.streams[0]!.reason!, /^it answered 400/);
  streams.set('first', 'fine-too');
  assert.deepEqual(await settled(registrations), ['first registered', 'second registered']);
});

test('after a restart what was made is known; a registration that goes removes it', async (t) => {
  await using system = new TestFlussonic();
  const { registrations, restart, streams } = await open(t, [flussonic(await system.listen())]);
  streams.set('gate', 'Gate');
  await settled(registrations);
  await registrations[Symbol.asyncDispose]();
  assert.equal(system.streams.size, 1, 'stopping the server leaves it there');
  streams.titles.delete('gate');
  streams.titles.set('yard', 'Yard');
  const again = await restart();
  assert.deepEqual(await settled(again), ['yard registered']);
  assert.deepEqual([...system.streams.keys()], ['wp-yard']);
  again.configure([]);
  for (let tries = 0; tries < 100 && system.streams.size > 0; tries++) await pause(10);
  assert.equal(system.streams.size, 0);
});

test('ports of cameras behind agents are registered as the cameras that they are', async (t) => {
  await using system = new TestFlussonic();
  const settings = flussonic(await system.listen(), {
    of: 'tunnels',
    streams: ['yard-*'],
    address: 'rtsp://admin:pw@10.0.0.5:{local_port}/cam/realmonitor?channel=1&subtype=0',
    remote_name: '{agent_id}-{port}',
  });
  const streams = new TestStreams();
  const tunnel = (agentId: string, localPort: number) => ({
    id: `${agentId}-554`,
    title: agentId,
    tunnel: { agentId, port: 554, localPort },
  });
  streams.tunnels = [tunnel('yard-1', 9554), tunnel('barn', 9555)];
  const { registrations } = await open(t, [settings], streams);
  assert.deepEqual(await settled(registrations), ['yard-1-554 registered']);
  assert.deepEqual(system.streams.get('yard-1-554')?.inputs, [
    { url: 'rtsp://admin:pw@10.0.0.5:9554/cam/realmonitor?channel=1&subtype=0' },
  ]);
  assert.deepEqual(system.violations, []);
});

test('cameras of Watcher are made by POST and changed by PUT, with the API key', async (t) => {
  await using system = new TestWatcher();
  const url = await system.listen();
  const settings = {
    ...flussonic(url),
    type: 'watcher',
    api_key: 'key-1',
    remote_name: '{stream_id}',
  } as RegistrationSettings;
  const { registrations, streams } = await open(t, [settings]);
  streams.set('gate', 'Gate');
  assert.deepEqual(await settled(registrations), ['gate registered']);
  streams.set('gate', 'Front gate');
  await settled(registrations);
  assert.deepEqual(system.cameras.get('gate'), {
    name: 'gate',
    title: 'Front gate',
    stream_url: 'rtsp://vms:s3cret@192.0.2.9:8554/live/gate',
    enabled: true,
  });
  streams.set('gate', undefined);
  await settled(registrations);
  assert.equal(system.cameras.size, 0);
  assert.deepEqual(system.violations, []);
});

test('any other system is told by a request of the configuration, and its own id is kept for the removal', async (t) => {
  await using system = new TestVms();
  const settings: RegistrationSettings = {
    type: 'request',
    name: 'vms',
    url: `${await system.listen()}/`,
    streams: ['*'],
    of: 'streams',
    address: 'rtsp://viewer:a%2Fb@192.0.2.9:8554/live/{stream_id}',
    remote_name: '{title}',
    headers: ['Authorization: Bearer abc: d'],
    create: {
      method: 'POST',
      path: '/api/cameras',
      body: '{"name":"{name}","url":"{url}","username":"{username}","password":"{password}"}',
    },
    remove: { method: 'DELETE', path: '/api/cameras/{id}' },
    id_from: 'camera.id',
  };
  const { registrations, streams } = await open(t, [settings]);
  streams.set('gate', 'The "gate"');
  assert.deepEqual(await settled(registrations), ['gate registered']);
  assert.deepEqual(system.cameras.get('1'), {
    name: 'The "gate"',
    url: 'rtsp://192.0.2.9:8554/live/gate',
    username: 'viewer',
    password: 'a/b',
  });
  assert.equal(system.requests[0]!.headers.authorization, 'Bearer abc: d');
  streams.set('gate', undefined);
  await settled(registrations);
  assert.equal(system.cameras.size, 0);
  assert.deepEqual(system.violations, []);
});

test('a configuration that cannot work is refused with the key and the cure', () => {
  const read = (text: string) => readConfigText(text, [registrationsSection], { file: 'w.toml', environment: {} });
  const entry = (more: string) => `[[registrations]]\ntype = "watcher"\nname = "w"\napi_key = "k"\n${more}\n`;
  const cases: [text: string, key: string][] = [
    [entry('url = "https://u:p@h"\naddress = "rtsp://h/{stream_id}"'), 'registrations[0].url'],
    [entry('url = "https://h"\naddress = "rtsp://h/{streamid}"'), 'registrations[0].address'],
    [entry('url = "https://h"'), 'registrations[0].address'],
    [entry('url = "https://h"\naddress = "rtsp://h/{stream_id}"').repeat(2), 'registrations[1].name'],
  ];
  for (const [text, key] of cases)
    assert.deepEqual(
      read(text).errors.map((error) => error.key),
      [key],
      text,
    );
});
