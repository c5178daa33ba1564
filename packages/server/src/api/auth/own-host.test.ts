import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { openApiFixture } from '../api-fixture.ts';
import { namesOwnHost } from './own-host.ts';

const hosts: readonly [host: string, isOwn: boolean][] = [
  ['127.0.0.1', true],
  ['192.0.2.7:8080', true],
  ['[::1]:8080', true],
  ['[fe80::1]', true],
  ['localhost:8080', true],
  ['LOCALHOST', true],
  ['console.localhost:8080', true],
  ['nvr', true],
  ['nvr.local:8080', true],
  ['nvr.local.', true],
  ['nvr.lan', true],
  ['nvr.home.arpa', true],
  ['nvr.corp.internal:80', true],
  [hostname().toUpperCase(), true],
  ['Watch.Example.com:8443'.toLowerCase(), true],
  ['WATCH.example.com.', true],
  ['evil.example', false],
  ['evil.example:8080', false],
  ['evil.example.', false],
  ['127.0.0.1.evil.example', false],
  ['local.evil.example', false],
  ['notlocal', true],
  ['evil.notlocal', false],
  ['a.watch.example.com', false],
  ['[::1].evil.example', false],
  ['[evil.example]', false],
  ['127.0.0.1@evil.example', false],
  ['', false],
  ['.', false],
];

for (const [host, isOwn] of hosts)
  test(`"${host}" is ${isOwn ? '' : 'not '}a name that only this server's network gives it`, () => {
    assert.equal(namesOwnHost({ host }, ['watch.example.com']), isOwn);
    assert.equal(namesOwnHost({ ':authority': host }, ['watch.example.com']), isOwn, 'HTTP/2');
  });

test('who names no host is no browser', () => assert.equal(namesOwnHost({}, []), true));

test('without logins a page whose name was led here neither reads nor changes anything', async () => {
  let names: string[] = [];
  await using fixture = await openApiFixture({ overrides: { auth: () => ({ mode: 'none', hosts: names }) } });
  const { app, deps, api } = fixture;
  const rebound = { host: 'evil.example:8080', origin: 'http://evil.example:8080', 'sec-fetch-site': 'same-origin' };
  const payload = { stream_id: 'gate', source_url: 'rtsp://192.0.2.1/live' };
  const url = '/api/v1/streams';
  for (const options of [{ url }, { url: '/api/video/agents' }, { url, method: 'POST', payload }] as const) {
    const answer = await app.inject({ ...options, headers: rebound });
    assert.deepEqual([answer.statusCode, answer.json().code], [403, 'FOREIGN_HOST']);
    assert.match(answer.json().detail, /"evil\.example".*auth\.hosts.*auth\.mode = "required"/);
  }
  assert.equal((await app.inject({ url: '/health', headers: rebound })).statusCode, 200);
  const named = { ...rebound, host: 'watch.example.com', origin: 'http://watch.example.com' };
  assert.equal((await app.inject({ url, headers: named })).statusCode, 403);
  names = ['watch.example.com'];
  assert.equal((await app.inject({ url, method: 'POST', payload, headers: named })).statusCode, 201);

  const user = await deps.identity.users.add({ name: 'anna', password: 'long enough', role: 'admin' });
  const { secret } = await deps.identity.tokens.create(user, { name: 'wall' });
  const media = (headers: Record<string, string>, query = '') =>
    api.access
      .authorize({
        ...{ action: 'live', streamId: 'gate', headers, query: new URLSearchParams(query), remoteAddress: '::1' },
      })
      .then(
        () => 'ok',
        (error) => error.code,
      );
  const { origin: _, ...picture } = rebound;
  assert.deepEqual(
    await Promise.all([media(rebound), media(picture), media(rebound, 'token=guess'), media(named), media({})]),
    ['FOREIGN_HOST', 'FOREIGN_HOST', 'TOKEN_INVALID', 'ok', 'ok'],
  );
  assert.equal(await media(rebound, `token=${secret}`), 'ok');
});

test('where logins are required any name will do', async () => {
  await using fixture = await openApiFixture();
  const answer = await fixture.app.inject({ url: '/api/v1/streams', headers: { host: 'nvr.example.com' } });
  assert.equal(answer.json().code, 'LOGIN_NEEDED');
});
