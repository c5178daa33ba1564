import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExportJob } from '../playback/export-job.ts';
import { type ApiFixture, noMedia, noRecordings, openApiFixture } from './api-fixture.ts';

const jobId = '0'.repeat(24);

/** A fixture with an export and a recording that are longer than anybody reads, and a picture. */
async function openLongExport(): Promise<ApiFixture> {
  const range = { streamId: 'gate', startMs: 0, endMs: 1000 };
  const parts = { mp4Files: {} as never, directory: '/nonexistent', checkSpace: async () => {}, createdMs: 0 };
  const job = new ExportJob(jobId, range, parts);
  job.state = 'done';
  const read = async function* () {
    for (;;) {
      await new Promise((done) => setTimeout(done, 5));
      yield new Uint8Array(1000);
    }
  };
  const file = { bytes: 1e12, etag: '"x"', closed: true, growing: false, read };
  const exports = { create: () => job, get: () => job, list: () => [job], file: () => file, remove: async () => {} };
  const mp4 = async () => ({ ...file, startMs: 0, endMs: 1000, gaps: [] });
  const segments = async () => [{ startMs: 0, endMs: 1000 }] as never;
  const snapshots = { take: async () => ({ jpeg: new Uint8Array(4), capturedMs: 0 }) };
  const fixture = await openApiFixture({
    overrides: { media: { ...noMedia, exports, mp4, snapshots }, recordings: { ...noRecordings, segments } },
  });
  const camera = { title: '', protocol: 'rtsp', record: false, onDemand: false, stopped: true, origin: 'api' } as const;
  await fixture.deps.hub.define({ ...camera, id: 'gate', sources: [] });
  return fixture;
}

type Way = 'token' | 'session';
type Cast = { readonly fixture: ApiFixture; readonly tokenId: string };
const cases: readonly [what: string, does: (cast: Cast) => Promise<unknown>, ends: readonly Way[]][] = [
  ['the token is revoked', ({ fixture, tokenId }) => fixture.deps.identity.tokens.revoke(tokenId), ['token']],
  [
    'the user may only look',
    ({ fixture }) => fixture.deps.identity.users.change('bert', { role: 'viewer' }),
    ['token', 'session'],
  ],
  [
    'the stream is not theirs any more',
    ({ fixture }) => fixture.deps.identity.users.change('bert', { streams: ['yard'] }),
    ['token', 'session'],
  ],
  ['the user is removed', ({ fixture }) => fixture.deps.identity.users.remove('bert'), ['token', 'session']],
];
const downloads: readonly [name: string, path: string, cases: typeof cases][] = [
  ['an export', `/exports/${jobId}/file`, cases],
  [
    'recordings as MP4',
    '/recordings/gate/playback?format=mp4&start=0&end=1000',
    cases.filter(([what]) => !what.endsWith('only look')),
  ],
];
const all = downloads.flatMap(([name, path, cases]) => cases.map((one) => [name, path, ...one] as const));
for (const [name, path, what, does, ends] of all)
  test(`the download of ${name} is cut where ${what}`, async () => {
    await using fixture = await openLongExport();
    const { identity } = fixture.deps;
    const user = await identity.users.add({ name: 'bert', password: 'long enough', role: 'operator' });
    const token = await identity.tokens.create(user, { name: 'x' });
    const session = await identity.sessions.begin(user, { address: '', userAgent: '' });
    const { port } = await fixture.server.listen('127.0.0.1:0');
    const abort = new AbortController();
    const headers: Readonly<Record<Way, Record<string, string>>> = {
      token: { authorization: `Bearer ${token.secret}` },
      session: { cookie: `watchpost_session=${session.token}` },
    };
    const over = new Set<Way>();
    const read = async (way: Way) => {
      const url = `http://127.0.0.1:${port}/api/v1${path}`;
      const { body, status } = await fetch(url, { headers: headers[way], signal: abort.signal });
      assert.equal(status, 200);
      const reader = body!.getReader();
      await reader.read();
      const drain = async () => {
        for (;;) await reader.read();
      };
      return { ended: drain().catch(() => over.add(way)) };
    };
    const reads = { token: await read('token'), session: await read('session') };
    await does({ fixture, tokenId: token.id });
    await Promise.all(ends.map((way) => reads[way].ended));
    assert.deepEqual([...over].sort(), [...ends].sort());
    abort.abort();
    await reads.session.ended;
  });

test('HEAD tells the length of the file of an export, not that of an empty body', async () => {
  await using fixture = await openLongExport();
  const user = await fixture.deps.identity.users.add({ name: 'bert', password: 'long enough', role: 'operator' });
  const { secret } = await fixture.deps.identity.tokens.create(user, { name: 'x' });
  const { port } = await fixture.server.listen('127.0.0.1:0');
  const url = `http://127.0.0.1:${port}/api/v1/exports/${jobId}/file`;
  const { status, headers } = await fetch(url, { method: 'HEAD', headers: { authorization: `Bearer ${secret}` } });
  assert.deepEqual([status, headers.get('content-length')], [200, '1000000000000']);
});

test('who exports, fetches an export, deletes it and takes pictures is in the audit log', async () => {
  await using fixture = await openLongExport();
  const { identity, audit } = fixture.deps;
  const user = await identity.users.add({ name: 'bert', password: 'long enough', role: 'operator' });
  const { token } = await identity.sessions.begin(user, { address: '', userAgent: '' });
  const { port } = await fixture.server.listen('127.0.0.1:0');
  const ask = async (method: string, path: string, init: RequestInit = {}) => {
    const headers = { ...init.headers, authorization: `Bearer ${token}` };
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, { ...init, method, headers });
    await answer.body?.cancel();
    assert.ok(answer.ok, `${path}: ${answer.status}`);
  };
  const body = JSON.stringify({ start: 0, end: 1000 });
  await ask('POST', '/recordings/gate/export', { body, headers: { 'content-type': 'application/json' } });
  // A file that is left in the middle, and fetched in pieces, is one row.
  await ask('GET', `/exports/${jobId}/file`);
  await ask('GET', `/exports/${jobId}/file`, { headers: { range: 'bytes=0-9' } });
  await ask('DELETE', `/exports/${jobId}`);
  await ask('GET', '/streams/gate/snapshot');
  const rows = await audit.query({ limit: 10 });
  assert.deepEqual(
    rows.map(({ action, user: name, streamId, detail }) => [action, name, streamId, detail]),
    [
      ['snapshot', 'bert', 'gate', 'getSnapshot'],
      ['delete', 'bert', 'gate', `deleteExport ${jobId}`],
      ['export', 'bert', 'gate', `getExportFile ${jobId}`],
      ['export', 'bert', 'gate', 'createExport 1970-01-01T00:00:00.000Z/1970-01-01T00:00:01.000Z'],
    ],
  );
});
