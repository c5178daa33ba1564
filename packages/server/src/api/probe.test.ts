import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorKind, WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import { vendorPaths } from '@watchpost/media/rtsp/vendor-paths.ts';
import type { Track } from '@watchpost/media/types.ts';
import { openApiFixture, withoutLogins } from './api-fixture.ts';

const video: Track = {
  id: 0,
  kind: 'video',
  codec: 'mjpeg',
  clockRate: 90_000,
  width: 640,
  height: 360,
  parameterSets: [],
};

function failure(kind: ErrorKind): WatchpostError {
  return new WatchpostError(`failed: ${kind}`, { kind, code: `TEST_${kind.toUpperCase()}` });
}

/** A camera that has pictures at some paths; what was asked of it, and how many questions were open at once. */
class Camera {
  readonly asked: SourceUrl[] = [];
  mostAtOnce = 0;
  #open = 0;
  readonly #answer: (source: SourceUrl) => ErrorKind | undefined;

  constructor(answer: (source: SourceUrl) => ErrorKind | undefined) {
    this.#answer = answer;
  }

  describe = async (source: SourceUrl) => {
    this.asked.push(source);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#open);
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.#open--;
    const kind = this.#answer(source);
    if (kind) throw failure(kind);
    return { tracks: [video], server: 'Testcam/1.0' };
  };
}

async function probe(camera: Camera, payload: object) {
  await using fixture = await openApiFixture({ overrides: { ...withoutLogins, describe: camera.describe } });
  const answer = await fixture.app.inject({ method: 'POST', url: '/api/v1/probe', payload });
  return { status: answer.statusCode, body: answer.json() };
}

test('an address that answers is told with its tracks, and a vendor address with its second quality', async () => {
  const camera = new Camera(() => undefined);
  const { body } = await probe(camera, {
    url: 'rtsp://admin:secret@192.0.2.1:554/cam/realmonitor?channel=1&subtype=0',
  });
  assert.equal(body.server, 'Testcam/1.0');
  assert.equal(body.error, null);
  assert.deepEqual(
    body.candidates.map((entry: { url: string; quality: string }) => [entry.url, entry.quality]),
    [
      ['rtsp://192.0.2.1:554/cam/realmonitor?channel=1&subtype=0', 'main'],
      ['rtsp://192.0.2.1:554/cam/realmonitor?channel=1&subtype=1', 'sub'],
    ],
  );
  assert.deepEqual(body.candidates[0].tracks, [
    { kind: 'video', codec: 'mjpeg', mime_codec: null, clock_rate: 90_000, width: 640, height: 360 },
  ]);
  assert.equal(camera.asked[1]!.password, 'secret');
});

test('at a host the usual addresses are tried, a few at once, until one answers; then its second qualities', async () => {
  const camera = new Camera(({ path }) => (/^\/stream[12]$/.test(path) ? undefined : 'not_found'));
  const { body } = await probe(camera, { host: '192.0.2.1:8554', username: 'u', password: 'p' });
  assert.deepEqual(
    body.candidates.slice(0, 2).map((entry: { url: string; vendor: string; quality: string }) => entry),
    [
      {
        url: 'rtsp://192.0.2.1:8554/stream1',
        vendor: 'tp-link',
        quality: 'main',
        tracks: body.candidates[0].tracks,
        error: null,
      },
      {
        url: 'rtsp://192.0.2.1:8554/stream2',
        vendor: 'tp-link',
        quality: 'sub',
        tracks: body.candidates[1].tracks,
        error: null,
      },
    ],
  );
  assert.equal(body.candidates[2].error.code, 'TEST_NOT_FOUND');
  assert.ok(camera.mostAtOnce > 1 && camera.mostAtOnce <= 3, String(camera.mostAtOnce));
  assert.ok(camera.asked.length < 15);
});

for (const kind of ['unauthenticated', 'timeout', 'unavailable'] as const)
  test(`a camera whose first answer is ${kind} is not asked again`, async () => {
    const camera = new Camera(() => kind);
    const { body } = await probe(camera, { host: '192.0.2.1', username: 'u', password: 'wrong' });
    assert.equal(camera.asked.length, 1);
    assert.deepEqual(body.error, { kind, code: `TEST_${kind.toUpperCase()}`, message: `failed: ${kind}` });
  });

test('a refusal of the password at a later path ends the trying: those already under way are the last', async () => {
  let asked = 0;
  const camera = new Camera(() => (asked++ === 0 ? 'not_found' : 'unauthenticated'));
  const { body } = await probe(camera, { host: '192.0.2.1', username: 'u', password: 'wrong' });
  assert.ok(camera.asked.length <= 4, String(camera.asked.length));
  assert.equal(body.error.kind, 'unauthenticated');
});

test('a vendor that was chosen is the only one whose addresses are tried; an IPv6 host is put in brackets', async () => {
  const camera = new Camera(() => 'not_found');
  await probe(camera, { host: '2001:db8::1', vendor: 'foscam' });
  assert.deepEqual(
    camera.asked.map(({ url }) => url),
    ['rtsp://[2001:db8::1]/videoMain'],
  );
});

const refused: readonly [name: string, payload: object, field: string][] = [
  ['nothing', {}, 'url'],
  ['both', { url: 'rtsp://a/', host: 'a' }, 'url'],
  ['a file', { url: 'file:/etc/passwd' }, 'url'],
  ['an unknown vendor', { host: 'a', vendor: 'acme' }, 'vendor'],
  ['a host that is none', { host: 'a b' }, 'host'],
];

for (const [name, payload, field] of refused)
  test(`asking for ${name} is refused, naming ${field}`, async () => {
    const camera = new Camera(() => undefined);
    const { status, body } = await probe(camera, payload);
    assert.deepEqual([status, body.errors[0].field, camera.asked.length], [400, field, 0]);
  });

test('discovery lists devices and vendors, or vendors alone at once', async () => {
  let scans = 0;
  const discover = async () => {
    scans++;
    return [{ host: '192.0.2.1', name: 'IPC' }];
  };
  await using fixture = await openApiFixture({ overrides: { ...withoutLogins, discover } });
  const all = (await fixture.app.inject({ url: '/api/v1/discovery' })).json();
  assert.deepEqual(all.devices, [{ host: '192.0.2.1', name: 'IPC', model: null, xaddr: null }]);
  const vendors = (await fixture.app.inject({ url: '/api/v1/discovery?scan=false' })).json();
  assert.deepEqual([vendors.devices, scans], [[], 1]);
  assert.deepEqual(vendors.vendors, vendorPaths);
});
