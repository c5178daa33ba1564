import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExportJob } from '../playback/export-job.ts';
import { type ApiFixture, noMedia, openApiFixture } from './api-fixture.ts';

const jobId = '0'.repeat(24);

/** A fixture with an export that is longer than anybody reads. */
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
  const file = { bytes: 1e12, etag: '"x"', closed: true, read };
  const exports = { create: () => job, get: () => job, list: () => [job], file: () => file, remove: async () => {} };
  return openApiFixture({ overrides: { media: { ...noMedia, exports } } });
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
for (const [what, does, ends] of cases)
  test(`the download of an export is cut where ${what}`, async () => {
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
      const url = `http://127.0.0.1:${port}/api/v1/exports/${jobId}/file`;
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
