import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiFixture } from './api-fixture.ts';

const range = { start: '2026-02-11T10:00:00Z', end: '2026-02-11T10:05:00Z' };

test('a stretch is locked with a note and a name, listed, and unlocked; all of it is written down', async () => {
  await using fixture = await openApiFixture();
  const { identity } = fixture.deps;
  const user = await identity.users.add({ name: 'anna', password: 'long enough', role: 'operator' });
  const { secret } = await identity.tokens.create(user, { name: 'x', limits: { role: 'operator' } });
  const ask = async (method: 'GET' | 'PUT' | 'DELETE', path: string, payload?: object) => {
    const headers = { authorization: `Bearer ${secret}` };
    const url = `/api/v1/recordings/gate/locks${path}`;
    const { statusCode, body } = await fixture.app.inject({ method, url, headers, ...(payload && { payload }) });
    return { status: statusCode, body: body === '' ? undefined : JSON.parse(body) };
  };
  const made = await ask('PUT', '', { ...range, note: 'theft' });
  const { created_by, note, start, end } = made.body;
  assert.deepEqual(
    [made.status, created_by, note, start, end],
    [200, 'anna', 'theft', '2026-02-11T10:00:00.000Z', '2026-02-11T10:05:00.000Z'],
  );
  const again = await ask('PUT', '', { ...range, note: 'burglary' });
  assert.equal(again.body.id, made.body.id);
  const { locks } = (await ask('GET', '?start=2026-02-11T10:04:00Z')).body;
  assert.deepEqual(locks, [again.body]);
  assert.deepEqual((await ask('GET', '?start=2026-02-11T10:05:00Z')).body.locks, []);
  assert.equal((await ask('PUT', '', { start: range.end, end: range.start })).body.errors[0].field, 'end');
  assert.equal((await ask('DELETE', `/${made.body.id}`)).status, 204);
  assert.equal((await ask('DELETE', `/${made.body.id}`)).body.code, 'LOCK_NOT_FOUND');
  const entries = await fixture.deps.audit.query({ limit: 10 });
  assert.deepEqual(
    entries.filter(({ user: name }) => name === 'anna').map(({ streamId, detail }) => [streamId, detail]),
    [
      ['gate', 'deleteLock'],
      ['gate', 'putLock'],
      ['gate', 'putLock'],
    ],
  );
});
