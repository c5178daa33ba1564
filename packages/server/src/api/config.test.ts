import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldError } from '../net/problem.ts';
import { openApiFixture, withoutLogins } from './api-fixture.ts';

const url = '/api/v1/config/reload';

test('a reload tells what was changed and what waits for a restart', async () => {
  const answer = {
    applied: [{ key: 'cameras.a', change: 'added', cost: 'this source' }],
    restart: [{ key: 'http.bind', change: 'changed', cost: 'restart' }],
    warnings: ['w.toml:1: odd'],
  } as const;
  await using fixture = await openApiFixture({ overrides: { ...withoutLogins, reloadConfig: async () => answer } });
  const response = await fixture.app.inject({ method: 'POST', url });
  assert.deepEqual([response.statusCode, response.json()], [200, answer]);
});

test('a file that is wrong is a bad request that names each mistake', async () => {
  const fields = [{ field: 'http.bnd', message: 'w.toml:2: there is no such key' }];
  const reloadConfig = () => Promise.reject(new FieldError(fields, 'CONFIG_INVALID'));
  await using fixture = await openApiFixture({ overrides: { ...withoutLogins, reloadConfig } });
  const { code, errors } = (await fixture.app.inject({ method: 'POST', url })).json();
  assert.deepEqual([code, errors], ['CONFIG_INVALID', fields]);
});

test('it is refused without a login, and where there is no file', async () => {
  await using guarded = await openApiFixture();
  assert.equal((await guarded.app.inject({ method: 'POST', url })).statusCode, 401);
  await using fixture = await openApiFixture({ overrides: withoutLogins });
  const response = await fixture.app.inject({ method: 'POST', url });
  assert.deepEqual([response.statusCode, response.json().code], [422, 'CONFIG_NO_FILE']);
});
