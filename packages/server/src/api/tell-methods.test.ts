import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiFixture, withoutLogins } from './api-fixture.ts';

const password = 'correct horse';

type Case = [
  who: string | undefined,
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS',
  url: string,
  status: number,
  allow?: string,
];

const cases: readonly Case[] = [
  ['anna', 'PUT', '/api/v1/streams', 405, 'GET, HEAD, POST'],
  ['anna', 'PUT', '/api/v1/streams/gate?x=1', 405, 'DELETE, GET, HEAD, PATCH'],
  ['anna', 'PUT', '/api/video/streams', 405, 'GET, HEAD, POST'],
  ['anna', 'GET', '/api/v1/login', 405, 'POST'],
  ['anna', 'HEAD', '/api/v1/login', 405, 'POST'],
  ['anna', 'DELETE', '/health', 405, 'GET, HEAD'],
  ['anna', 'PUT', '/api/v1/nothing', 404],
  ['anna', 'GET', '/api/v1/nothing', 404],
  ['anna', 'PUT', '/api/v1/streams/gate/nothing', 404],
  ['anna', 'HEAD', '/api/v1/streams', 200],
  ['anna', 'OPTIONS', '/api/v1/streams', 404],
  ['viktor', 'PUT', '/api/v1/streams', 405, 'GET, HEAD, POST'],
  ['viktor', 'PUT', '/api/v1/users', 404],
  [undefined, 'PUT', '/api/v1/streams', 404],
  [undefined, 'GET', '/api/v1/streams', 401],
  [undefined, 'PUT', '/api/v1/login', 405, 'POST'],
];

test('a method that a path does not have is 405 with those that it has, for who may use one of them', async () => {
  await using fixture = await openApiFixture();
  const tokens = new Map<string, string>();
  for (const [name, role] of [['anna', 'admin'] as const, ['viktor', 'viewer'] as const]) {
    await fixture.deps.identity.users.add({ name, password, role });
    const answer = await fixture.app.inject({ method: 'POST', url: '/api/v1/login', payload: { name, password } });
    tokens.set(name, answer.json().token);
  }
  for (const [who, method, url, status, allow] of cases) {
    const headers = who === undefined ? {} : { authorization: `Bearer ${tokens.get(who)}` };
    const answer = await fixture.app.inject({ method, url, headers });
    const title = `${who} ${method} ${url}`;
    assert.deepEqual([answer.statusCode, answer.headers['allow']], [status, allow], title);
    if (status !== 405) continue;
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
    if (method !== 'HEAD') assert.equal(answer.json().code, 'METHOD_NOT_ALLOWED', title);
  }
});

test('a page of the console beside the API is a page', async () => {
  await using fixture = await openApiFixture({ overrides: withoutLogins, consoleDirectory: '/nonexistent' });
  const headers = { accept: 'text/html' };
  assert.equal((await fixture.app.inject({ url: '/tunnels/gate/restart', headers })).statusCode, 200);
  assert.equal((await fixture.app.inject({ method: 'PUT', url: '/tunnels', headers })).statusCode, 405);
});
