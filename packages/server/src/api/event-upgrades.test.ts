import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import type { Rights } from '../catalog/identity/types.ts';
import { type ApiFixture, openApiFixture, withoutLogins } from './api-fixture.ts';

interface Opened {
  readonly socket: WebSocket;
  /** Ids of the events that came. */
  readonly ids: number[];
}

/** Asks for a WebSocket; resolves to it, or to the refusal. */
async function dial(fixture: ApiFixture, path: string, headers: Record<string, string> = {}): Promise<Opened | string> {
  const { port } = fixture.server.address ?? (await fixture.server.listen('127.0.0.1:0'));
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
  const ids: number[] = [];
  socket.on('message', (data) => ids.push((JSON.parse(String(data)) as { id: number }).id));
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve({ socket, ids }));
    socket.once('unexpected-response', async (_request, response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      const { code } = JSON.parse(text) as { code: string };
      resolve(`${response.statusCode} ${code}`);
    });
    socket.on('error', (error) => (/Unexpected/.test(error.message) ? undefined : reject(error)));
  });
}

async function opened(...parameters: Parameters<typeof dial>): Promise<Opened> {
  const answer = await dial(...parameters);
  assert.ok(typeof answer !== 'string', String(answer));
  return answer;
}

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(isSo());
}

function emit(fixture: ApiFixture, count: number, type = 'stream.online'): void {
  for (let i = 0; i < count; i++) fixture.events.emit({ type, level: 'info', streamId: 'gate', message: `event ${i}` });
}

async function bearer({ deps }: ApiFixture, name: string, limits: Rights): Promise<{ id: string; headers: object }> {
  const { users, tokens } = deps.identity;
  const user = await users.add({ name, password: 'long enough', role: 'admin' });
  const { id, secret } = await tokens.create(user, { name, limits });
  return { id, headers: { authorization: `Bearer ${secret}` } };
}

test('a WebSocket resumes after the last event that was seen, without a hole and without a repetition', async () => {
  await using fixture = await openApiFixture({ overrides: withoutLogins });
  emit(fixture, 700);
  const { socket, ids } = await opened(fixture, '/api/v1/events?after=5');
  emit(fixture, 10);
  await until(() => ids.length >= 705);
  emit(fixture, 1);
  await until(() => ids.length >= 706);
  assert.deepEqual(
    ids,
    Array.from({ length: 706 }, (_, index) => index + 6),
  );
  fixture.clock.advance(15_000);
  await once(socket, 'ping');
  socket.terminate();
});

test('only what was asked for comes, and only from now on; clients that do not are answered as before', async () => {
  await using fixture = await openApiFixture({ overrides: withoutLogins });
  emit(fixture, 5);
  const { socket, ids } = await opened(fixture, '/api/video/events?type=disk.');
  emit(fixture, 1);
  emit(fixture, 1, 'disk.low');
  await until(() => ids.length >= 1);
  assert.deepEqual(ids, [7]);
  socket.terminate();
  const page = await fetch(`http://127.0.0.1:${fixture.server.address?.port}/api/v1/events?limit=2`);
  const { events } = (await page.json()) as { events: { id: number }[] };
  assert.deepEqual(
    events.map(({ id }) => id),
    [7, 6],
  );
});

test('whoever may not see events, asks wrongly or from a page of another site, is answered with the reason', async () => {
  await using fixture = await openApiFixture();
  const user = await fixture.deps.identity.users.add({ name: 'bert', password: 'long enough', role: 'admin' });
  const { token } = await fixture.deps.identity.sessions.begin(user, { address: '::1', userAgent: '' });
  const cookie = `watchpost_session=${token}`;
  assert.equal(await dial(fixture, '/api/v1/events'), '401 LOGIN_NEEDED');
  assert.equal(await dial(fixture, '/api/v1/events', { cookie, origin: 'http://192.0.2.1' }), '403 CROSS_SITE');
  assert.equal(await dial(fixture, '/api/v1/events?limit=x', { cookie }), '400 REQUEST_INVALID');
  assert.equal(await dial(fixture, '/api/v1/events/1', { cookie }), '404 ROUTE_NOT_FOUND');
  const origin = `http://127.0.0.1:${fixture.server.address?.port}`;
  const { socket } = await opened(fixture, '/api/v1/events', { cookie, origin });
  socket.terminate();
  await using open = await openApiFixture({ overrides: withoutLogins });
  assert.equal(await dial(open, '/api/v1/events', { origin: 'http://192.0.2.1' }), '403 CROSS_SITE');
});

test('whose token is revoked is cut off with 4401, and a limited one hears only of its streams', async () => {
  await using fixture = await openApiFixture();
  const { id, headers } = await bearer(fixture, 'anna', { role: 'viewer', streams: ['yard'] });
  const { socket, ids } = await opened(fixture, '/api/v1/events', { ...headers });
  emit(fixture, 3);
  fixture.events.emit({ type: 'stream.online', level: 'info', streamId: 'yard', message: 'on' });
  await until(() => ids.length >= 1);
  assert.equal(ids.length, 1);
  const closed = once(socket, 'close');
  await fixture.deps.identity.tokens.revoke(id);
  assert.equal((await closed)[0], 4401);
});
