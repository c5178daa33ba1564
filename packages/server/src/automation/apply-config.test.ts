import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { openDatabase } from '../catalog/database.ts';
import { StreamDefinitions } from '../catalog/definitions/stream-definitions.ts';
import { readConfigText } from '../config/load.ts';
import { StreamHub } from '../hub/stream-hub.ts';
import type { Publisher, StreamDefinition } from '../hub/types.ts';
import type { Recorder } from '../recorder/recorder.ts';
import type { StorageBackends } from '../storage/storage-backends.ts';
import { applyConfig } from './apply-config.ts';

const track: Track = {
  id: 0,
  kind: 'audio',
  codec: 'pcma',
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  parameterSets: [],
};
const config = readConfigText('', [], { file: 'w.toml', environment: {} }).config!;
const camera = (id: string, more: Partial<StreamDefinition> = {}): StreamDefinition => ({
  id,
  title: id,
  protocol: 'rtsp',
  sources: [parseSourceUrl(`rtsp://192.0.2.1/${id}`)],
  record: true,
  onDemand: false,
  stopped: false,
  origin: 'file',
  ...more,
});

/** A hub whose sources are connected and send when the test says so. */
async function open() {
  const clock = new ManualClock();
  const database = await openDatabase(':memory:');
  const definitions = new StreamDefinitions(database, clock);
  const publishers = new Map<string, Publisher>();
  const connected: string[] = [];
  const hub = new StreamHub({
    clock,
    logger: silentLogger,
    reconnectDelayMs: 1000,
    protocolFor: () => ({ name: 'rtsp', schemes: ['rtsp'], stats: () => ({}), pull: async () => {} }),
    pull: (_protocol, source, { stream, publish, signal }) => {
      connected.push(source.url);
      publishers.set(stream.id, publish([{ track, format: {} }]));
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  });
  const configured: unknown[] = [];
  const recorder = { configure: (...args: unknown[]) => configured.push(args) } as unknown as Recorder;
  const backends = { configure: async () => [], places: [] } as unknown as StorageBackends;
  const apply = (cameras: readonly StreamDefinition[], isConfiguredOnly = false) =>
    applyConfig(config, cameras, { hub, recorder, definitions, backends, isConfiguredOnly });
  return {
    hub,
    definitions,
    publishers,
    connected,
    configured,
    apply,
    [Symbol.asyncDispose]: async () => {
      await hub[Symbol.asyncDispose]();
      await database.destroy();
    },
  };
}

test('readers of a camera that is the same lose no sample, and its source stays connected', async () => {
  await using parts = await open();
  const { hub, apply, publishers, connected } = parts;
  await apply([camera('same'), camera('gone'), camera('moved')]);
  const stream = hub.get('same')!;
  const reader = stream.openReader({ protocol: 'test', start: 'live' });
  const read: Sample[] = [];
  let sent = 0;
  const send = () => {
    const pts = sent++ * 160;
    publishers.get('same')!.writeUnit(0, { pts, dts: pts, key: true, units: [new Uint8Array(160)] });
    publishers.get('same')!.flush();
    read.push(...reader.pull());
  };
  for (let i = 0; i < 10; i++) send();
  const reload = apply([
    camera('new'),
    camera('same'),
    camera('moved', { sources: [parseSourceUrl('rtsp://192.0.2.9/moved')] }),
  ]);
  for (let i = 0; i < 10; i++) {
    send();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await reload;
  for (let i = 0; i < 10; i++) send();
  assert.deepEqual([read.length, reader.dropped, hub.get('same')], [30, 0, stream]);
  assert.deepEqual(
    read.slice(1).map((sample, i) => sample.dts - read[i]!.dts),
    Array<number>(29).fill(160),
  );
  assert.deepEqual(
    hub.list().map(({ id }) => id),
    ['moved', 'new', 'same'],
  );
  assert.deepEqual(connected.sort(), [
    'rtsp://192.0.2.1/gone',
    'rtsp://192.0.2.1/moved',
    'rtsp://192.0.2.1/new',
    'rtsp://192.0.2.1/same',
    'rtsp://192.0.2.9/moved',
  ]);
});

test('a title and whether to record change without a word to the camera; readers of a moved camera stay', async () => {
  await using parts = await open();
  const { hub, apply, connected } = parts;
  await apply([camera('a')]);
  let closed = 0;
  hub.get('a')!.openReader({ protocol: 'test', start: 'live', onClose: () => closed++ });
  await apply([camera('a', { title: 'A', record: false })]);
  assert.deepEqual([connected.length, hub.get('a')!.definition.title], [1, 'A']);
  await apply([camera('a', { sources: [parseSourceUrl('rtsp://192.0.2.2/a')] })]);
  assert.deepEqual([connected.length, closed, hub.get('a')!.readers.length], [2, 0, 1]);
});

test('what people switched at run time stays switched', async () => {
  await using parts = await open();
  await parts.apply([camera('a')]);
  await parts.definitions.override('a', { stopped: true });
  await parts.apply([camera('a', { title: 'A' })]);
  assert.equal(parts.hub.get('a')!.state, 'stopped');
});

test('streams made by API stay away where only what is configured runs', async () => {
  await using parts = await open();
  const { hub, definitions, apply } = parts;
  const { id, title, protocol, sources, record, onDemand } = camera('x');
  await definitions.add({ id, title, protocol, sources, record, onDemand, push: [], subSource: undefined });
  await apply([camera('a')], true);
  assert.deepEqual(
    hub.list().map((stream) => stream.id),
    ['a'],
  );
});

test('a stream made by API keeps out of the way of the file, and comes back', async () => {
  await using parts = await open();
  const { hub, apply, definitions } = parts;
  const { id, title, protocol, sources, record, onDemand } = camera('x', { title: 'by API' });
  await definitions.add({ id, title, protocol, sources, record, onDemand, push: [], subSource: undefined });
  await apply([]);
  assert.equal(hub.get('x')?.definition.origin, 'api');
  await apply([camera('x')]);
  assert.equal(hub.get('x')?.definition.origin, 'file');
  await apply([]);
  assert.deepEqual([hub.get('x')?.definition.origin, hub.get('x')?.definition.title], ['api', 'by API']);
});
