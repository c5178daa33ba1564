import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiFixture, openApiFixture, withoutLogins } from './api-fixture.ts';

const administrator = { name: 'anna', password: 'correct horse' };

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

async function logIn(fixture: ApiFixture): Promise<{ token: string; cookie: string }> {
  const token = await fixture.deps.identity.setUpToken();
  const payload = { token, ...administrator };
  const answer = await fixture.app.inject({ method: 'POST', url: '/api/v1/setup', payload });
  assert.equal(answer.statusCode, 201, answer.body);
  return { token: answer.json().token, cookie: String(answer.headers['set-cookie']).split(';')[0]! };
}

/** Every documented operation, with an address that can be asked. */
function operations(fixture: ApiFixture): { method: Method; url: string; open: boolean }[] {
  const paths = fixture.api.document()['paths'] as Record<string, Record<string, { security?: unknown[] }>>;
  return Object.entries(paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({
      method: method.toUpperCase() as Method,
      url: path.replace('{id}', 'gate'),
      open: operation.security !== undefined,
    })),
  );
}

test('every route that is not open refuses no login and a wrong token, under both prefixes, and takes the right one', async () => {
  await using fixture = await openApiFixture();
  const { token } = await logIn(fixture);
  let closed = 0;
  for (const { method, url, open } of operations(fixture)) {
    if (open) continue;
    closed++;
    for (const address of [url, url.replace('/api/v1', '/api/video')]) {
      const without = await fixture.app.inject({ method, url: address });
      assert.deepEqual([without.statusCode, without.json().code], [401, 'LOGIN_NEEDED'], `${method} ${address}`);
      assert.equal(without.headers['www-authenticate'], 'Bearer realm="watchpost"');
      for (const wrong of ['wp_wrong', `${token}x`, 'x'.repeat(5000)]) {
        const headers = { authorization: `Bearer ${wrong}` };
        const refused = await fixture.app.inject({ method, url: address, headers });
        assert.deepEqual([refused.statusCode, refused.json().code], [401, 'TOKEN_INVALID'], `${method} ${address}`);
      }
      if (url.endsWith('/logout')) continue;
      const right = await fixture.app.inject({ method, url: address, headers: { authorization: `Bearer ${token}` } });
      assert.notEqual(right.statusCode, 401, `${method} ${address}`);
      assert.ok(right.statusCode < 500, `${method} ${address}: ${right.body}`);
    }
  }
  assert.ok(closed >= 20);
});

test('health, readiness, session and the API description answer without a login; a stale token does not hurt there', async () => {
  await using fixture = await openApiFixture();
  for (const url of ['/health', '/ready', '/api/v1/session', '/api/v1/openapi.json', '/api/video/session'])
    for (const headers of [{}, { authorization: 'Bearer wp_gone' }, { cookie: 'watchpost_session=gone' }]) {
      const answer = await fixture.app.inject({ url, headers });
      assert.equal(answer.statusCode, 200, url);
    }
});

test('bodies that anybody may send are small', async () => {
  await using fixture = await openApiFixture();
  for (const url of ['/api/v1/login', '/api/v1/setup']) {
    const payload = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`key${i}`, i]));
    const answer = await fixture.app.inject({ method: 'POST', url, payload });
    assert.deepEqual([answer.statusCode, answer.json().code], [413, 'BODY_TOO_LARGE'], url);
  }
});

test('the set-up link works once, makes an administrator, and logs in', async () => {
  await using fixture = await openApiFixture();
  const before = await fixture.app.inject({ url: '/api/v1/session' });
  assert.deepEqual([before.json().set_up, before.json().user], [false, null]);
  const url = '/api/v1/setup';
  const token = await fixture.deps.identity.setUpToken();
  const wrong = await fixture.app.inject({ method: 'POST', url, payload: { ...administrator, token: 'guess' } });
  assert.deepEqual([wrong.statusCode, wrong.json().code], [401, 'SET_UP_TOKEN_WRONG']);
  const first = await fixture.app.inject({ method: 'POST', url, payload: { ...administrator, token } });
  const anna = { name: 'anna', role: 'admin', streams: null };
  assert.deepEqual([first.statusCode, first.json().user], [201, anna]);
  const again = await fixture.app.inject({
    method: 'POST',
    url,
    payload: { name: 'bob', password: 'another one', token },
  });
  assert.deepEqual([again.statusCode, again.json().code], [409, 'SET_UP_DONE']);
  assert.equal(await fixture.deps.identity.setUpToken(), undefined);
  const headers = { authorization: `Bearer ${first.json().token}` };
  const after = await fixture.app.inject({ url: '/api/v1/session', headers });
  assert.deepEqual([after.json().set_up, after.json().user], [true, anna]);
});

test('two people who use the link at the same moment do not both become administrators', async () => {
  await using fixture = await openApiFixture();
  const token = await fixture.deps.identity.setUpToken();
  const answers = await Promise.all(
    ['anna', 'boris'].map((name) =>
      fixture.app.inject({ method: 'POST', url: '/api/v1/setup', payload: { token, name, password: 'long enough' } }),
    ),
  );
  assert.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [201, 409]);
  assert.equal((await fixture.deps.identity.users.list()).length, 1);
});

test('the session cookie is closed to scripts and to other sites', async () => {
  await using fixture = await openApiFixture();
  await logIn(fixture);
  const answer = await fixture.app.inject({ method: 'POST', url: '/api/v1/login', payload: administrator });
  assert.match(
    String(answer.headers['set-cookie']),
    /^watchpost_session=wps_[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
  );
  assert.equal(answer.headers['cache-control'], 'no-store');
});

const origins: readonly { name: string; headers: Record<string, string>; status: number }[] = [
  { name: 'this page', headers: { 'sec-fetch-site': 'same-origin' }, status: 201 },
  { name: 'this page of an older browser', headers: { origin: 'http://nvr.local:8080' }, status: 201 },
  { name: 'another site', headers: { 'sec-fetch-site': 'cross-site' }, status: 403 },
  {
    name: 'another port of this host',
    headers: { 'sec-fetch-site': 'same-site', origin: 'http://nvr.local:8080' },
    status: 403,
  },
  { name: 'another site of an older browser', headers: { origin: 'http://evil.example' }, status: 403 },
  { name: 'a sandboxed frame', headers: { origin: 'null' }, status: 403 },
  { name: 'somebody who does not say', headers: {}, status: 403 },
];

for (const { name, headers, status } of origins)
  test(`a change asked for by cookie from ${name} is answered ${status}`, async () => {
    await using fixture = await openApiFixture();
    const { cookie } = await logIn(fixture);
    const all = { ...headers, cookie, host: 'nvr.local:8080' };
    const answer = await fixture.app.inject({
      method: 'POST',
      url: '/api/v1/tokens',
      headers: all,
      payload: { name: 'x' },
    });
    assert.equal(answer.statusCode, status, answer.body);
    const reading = await fixture.app.inject({ url: '/api/v1/streams', headers: all });
    assert.equal(reading.statusCode, 200);
  });

test('a bearer token needs no origin, and another site cannot log a browser in', async () => {
  await using fixture = await openApiFixture();
  const { token } = await logIn(fixture);
  const headers = { authorization: `Bearer ${token}`, 'sec-fetch-site': 'cross-site' };
  const made = await fixture.app.inject({ method: 'POST', url: '/api/v1/tokens', headers, payload: { name: 'x' } });
  assert.equal(made.statusCode, 201);
  const login = await fixture.app.inject({
    method: 'POST',
    url: '/api/v1/login',
    headers: { 'sec-fetch-site': 'cross-site' },
    payload: administrator,
  });
  assert.deepEqual([login.statusCode, login.json().code], [403, 'CROSS_SITE']);
});

test('without required logins everything answers, but not to a page of another site', async () => {
  await using fixture = await openApiFixture({ overrides: withoutLogins });
  const payload = { stream_id: 'gate', source_url: 'rtsp://192.0.2.1/live' };
  const url = '/api/v1/streams';
  const foreign = { origin: 'http://evil.example' };
  assert.equal((await fixture.app.inject({ method: 'POST', url, payload, headers: foreign })).statusCode, 403);
  assert.equal((await fixture.app.inject({ method: 'POST', url, payload })).statusCode, 201);
  const play = await fixture.app.inject({ url: '/api/v1/streams/gate/play?protocol=hls' });
  assert.deepEqual([play.json().path, play.json().expires], ['/hls/gate/index.m3u8', null]);
});

test('logging out ends the session at once, for cookie and token', async () => {
  await using fixture = await openApiFixture();
  const { token, cookie } = await logIn(fixture);
  const headers = { cookie, 'sec-fetch-site': 'same-origin' };
  const out = await fixture.app.inject({ method: 'POST', url: '/api/v1/logout', headers });
  assert.equal(out.statusCode, 204);
  assert.match(String(out.headers['set-cookie']), /Max-Age=0/);
  assert.equal((await fixture.app.inject({ url: '/api/v1/streams', headers: { cookie } })).statusCode, 401);
  const bearer = { authorization: `Bearer ${token}` };
  assert.equal((await fixture.app.inject({ url: '/api/v1/streams', headers: bearer })).statusCode, 401);
});

test('sessions are listed without their tokens, and can be ended one by one', async () => {
  await using fixture = await openApiFixture();
  const { token } = await logIn(fixture);
  const other = await fixture.app.inject({ method: 'POST', url: '/api/v1/login', payload: administrator });
  const headers = { authorization: `Bearer ${token}` };
  const list = await fixture.app.inject({ url: '/api/v1/sessions', headers });
  assert.ok(!list.body.includes('wps_'));
  const sessions = list.json().sessions as { id: string; current: boolean }[];
  assert.deepEqual(sessions.map(({ current }) => current).sort(), [false, true]);
  const { id } = sessions.find(({ current }) => !current)!;
  const url = `/api/v1/sessions/${id}`;
  assert.equal((await fixture.app.inject({ method: 'DELETE', url, headers })).statusCode, 204);
  assert.equal((await fixture.app.inject({ method: 'DELETE', url, headers })).statusCode, 404);
  const dead = { authorization: `Bearer ${other.json().token}` };
  assert.equal((await fixture.app.inject({ url: '/api/v1/streams', headers: dead })).statusCode, 401);
});

test('an API token works until it is revoked or expires, and its secret is shown once', async () => {
  await using fixture = await openApiFixture();
  const { token } = await logIn(fixture);
  const headers = { authorization: `Bearer ${token}` };
  const url = '/api/v1/tokens';
  const make = async (payload: object) => (await fixture.app.inject({ method: 'POST', url, headers, payload })).json();
  const lasting = await make({ name: 'watcher' });
  const short = await make({ name: 'trial', expires_days: 1 });
  assert.match(lasting.token, /^wp_[\w-]{43}$/);
  const use = async (secret: string) =>
    (await fixture.app.inject({ url: '/api/v1/streams', headers: { authorization: `Bearer ${secret}` } })).statusCode;
  assert.deepEqual([await use(lasting.token), await use(short.token)], [200, 200]);
  fixture.clock.advance(24 * 3_600_000 + 1);
  assert.deepEqual([await use(lasting.token), await use(short.token)], [200, 401]);
  const list = await fixture.app.inject({ url, headers });
  assert.ok(!list.body.includes(lasting.token));
  assert.deepEqual(
    list
      .json()
      .tokens.map(({ name }: { name: string }) => name)
      .sort(),
    ['trial', 'watcher'],
  );
  assert.equal((await fixture.app.inject({ method: 'DELETE', url: `${url}/${lasting.id}`, headers })).statusCode, 204);
  assert.equal(await use(lasting.token), 401);
});

test('wrong passwords slow down who guesses, whatever the name, and say for how long', async () => {
  await using fixture = await openApiFixture();
  await logIn(fixture);
  const attempt = (password: string, remoteAddress = '198.51.100.7', name = 'anna') =>
    fixture.app.inject({ method: 'POST', url: '/api/v1/login', payload: { name, password }, remoteAddress });
  for (let i = 0; i < 5; i++) assert.equal((await attempt('guess')).statusCode, 401);
  const slowed = await attempt(administrator.password);
  assert.deepEqual(
    [slowed.statusCode, slowed.json().code, slowed.headers['retry-after']],
    [429, 'LOGIN_THROTTLED', '1'],
  );
  assert.equal((await attempt('guess', '198.51.100.7', 'nobody')).statusCode, 429);
  fixture.clock.advance(1001);
  assert.equal((await attempt(administrator.password)).statusCode, 200);
});
