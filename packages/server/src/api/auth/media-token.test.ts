import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { rtspPasswordOf } from '../../catalog/identity/media-login.ts';
import type { AccessRequest } from '../../hub/types.ts';
import { type ApiFixture, openApiFixture, withoutLogins } from '../api-fixture.ts';
import { loginNeeded } from './authenticator.ts';
import { checkMediaToken, signMediaToken } from './media-token.ts';

const key = new Uint8Array(32).fill(7);
const nowMs = 1_760_000_000_000;
const grant = { streamId: 'gate', action: 'live', expiresMs: nowMs + 60_000, grantee: 'uabc_1' } as const;
const token = signMediaToken(key, grant);

test('a signed token is short and fits in a URL as it is', () => {
  assert.match(token, /^l[0-9a-z]{6}\.uabc_1\.[\w-]{22}$/);
  assert.equal(encodeURIComponent(token), token);
});

const cases: readonly { name: string; token?: string; wanted?: object; key?: Uint8Array; verdict: string }[] = [
  { name: 'its own stream and action', verdict: 'ok' },
  { name: 'another stream', wanted: { streamId: 'yard' }, verdict: 'wrong' },
  { name: 'the second quality', wanted: { streamId: 'gate.sub' }, verdict: 'wrong' },
  { name: 'another action', wanted: { action: 'playback' }, verdict: 'wrong' },
  { name: 'a moment before it expires', wanted: { nowMs: nowMs + 59_999 }, verdict: 'ok' },
  { name: 'the moment it expires', wanted: { nowMs: nowMs + 60_000 }, verdict: 'expired' },
  { name: 'another server', key: new Uint8Array(32).fill(8), verdict: 'wrong' },
  { name: 'a later expiry written in', token: token.replace(/^l\w+/, 'lzzzzzz'), verdict: 'wrong' },
  {
    name: 'another action written in',
    token: token.replace('l', 'p'),
    wanted: { action: 'playback' },
    verdict: 'wrong',
  },
  { name: 'nothing', token: '', verdict: 'wrong' },
  { name: 'a tag cut short', token: token.slice(0, -1), verdict: 'wrong' },
];

for (const entry of cases)
  test(`a token for ${entry.name} is ${entry.verdict}`, () => {
    const wanted = { streamId: 'gate', action: 'live', nowMs, ...entry.wanted } as const;
    const verdict = checkMediaToken(entry.key ?? key, entry.token ?? token, wanted);
    assert.deepEqual(verdict, entry.verdict === 'ok' ? { grantee: 'uabc_1' } : entry.verdict);
  });

test('changing any character of a token makes it wrong', () => {
  const changes = Array.from(token, (letter, at) => ({ at, to: letter === 'a' ? 'b' : 'a' }));
  const last = token.length - 1;
  const others = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter(
    (to) => to !== token[last],
  );
  for (const { at, to } of [...changes, ...others.map((letter) => ({ at: last, to: letter }))]) {
    const changed = token.slice(0, at) + to + token.slice(at + 1);
    assert.equal(typeof checkMediaToken(key, changed, { streamId: 'gate', action: 'live', nowMs }), 'string', changed);
  }
});

async function verdict(...parameters: Parameters<typeof authorize>): Promise<string> {
  return authorize(...parameters).then(
    () => 'ok',
    (error) => (error instanceof WatchpostError ? error.code : String(error)),
  );
}

async function refusal(...parameters: Parameters<typeof authorize>): Promise<WatchpostError> {
  const error = await authorize(...parameters).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof WatchpostError);
  return error;
}

async function authorize(fixture: ApiFixture, request: Partial<AccessRequest> & { token?: string }): Promise<void> {
  const query = new URLSearchParams(request.token === undefined ? {} : { token: request.token });
  const whole = {
    action: 'live',
    streamId: 'gate',
    headers: {},
    query,
    remoteAddress: '192.0.2.9',
    ...request,
  } as const;
  await fixture.api.access.authorize(whole);
}

test('media opens to a signed address, an API token in any place, a session; and to nobody else', async () => {
  await using fixture = await openApiFixture();
  const { identity } = fixture.deps;
  const user = await identity.users.add({ name: 'anna', password: 'long enough', role: 'admin' });
  const { secret } = await identity.tokens.create(user, { name: 'vlc' });
  const session = await identity.sessions.begin(user, { address: '', userAgent: '' });
  const cookie = `a=b; watchpost_session=${session.token}`;
  const signed = signMediaToken(identity.mediaKey, {
    streamId: 'gate',
    action: 'live',
    expiresMs: fixture.clock.wallMs() + 1000,
    grantee: `u${user.id}`,
  });
  const basic = (password: string) => `Basic ${Buffer.from(`any:${password}`).toString('base64')}`;
  assert.equal(await verdict(fixture, { token: signed }), 'ok');
  assert.equal(await verdict(fixture, { token: signed, streamId: 'yard' }), 'TOKEN_INVALID');
  assert.equal(await verdict(fixture, { token: signed, action: 'playback' }), 'TOKEN_INVALID');
  assert.equal(await verdict(fixture, { token: signed, action: 'publish' }), 'TOKEN_INVALID');
  assert.equal(await verdict(fixture, { token: secret }), 'ok');
  assert.equal(await verdict(fixture, { token: session.token }), 'TOKEN_INVALID');
  assert.equal(await verdict(fixture, { headers: { authorization: `Bearer ${secret}` } }), 'ok');
  assert.equal(await verdict(fixture, { headers: { authorization: basic(secret) } }), 'ok');
  assert.equal(await verdict(fixture, { headers: { authorization: basic('long enough') } }), 'TOKEN_INVALID');
  assert.equal(await verdict(fixture, { headers: { cookie } }), 'ok');
  assert.equal(
    await verdict(fixture, { headers: { cookie, host: 'nvr:8080', origin: 'http://nvr:9000' } }),
    'CROSS_SITE',
  );
  assert.equal(await verdict(fixture, { headers: { cookie: 'watchpost_session=wrong' } }), 'LOGIN_NEEDED');
  assert.equal(await verdict(fixture, {}), 'LOGIN_NEEDED');
  assert.match(loginNeeded(true).message, /token=TOKEN behind the address or stream key/, 'players know no headers');
  fixture.clock.advance(2000);
  assert.equal(await verdict(fixture, { token: signed }), 'TOKEN_EXPIRED');
});

test('a page of another site reads media by a token in the address only, not because no login is needed', async () => {
  await using fixture = await openApiFixture({ overrides: withoutLogins });
  const { identity } = fixture.deps;
  const user = await identity.users.add({ name: 'anna', password: 'long enough', role: 'admin' });
  const { secret } = await identity.tokens.create(user, { name: 'wall' });
  const host = '192.0.2.7:8080';
  const foreign = { host, origin: 'https://evil.example' };
  const basic = `Basic ${Buffer.from('any:thing').toString('base64')}`;
  const cases: readonly [title: string, request: Partial<AccessRequest> & { token?: string }, expected: string][] = [
    ['a program', { headers: { host } }, 'ok'],
    ['this page', { headers: { host, origin: `http://${host}` } }, 'ok'],
    [
      'this page behind a proxy',
      { headers: { host: 'b', origin: 'https://a', 'sec-fetch-site': 'same-origin' } },
      'ok',
    ],
    ['a picture in another page, which cannot read it', { headers: { host, 'sec-fetch-site': 'cross-site' } }, 'ok'],
    ['another page', { headers: foreign }, 'CROSS_SITE'],
    ['another port of this host', { headers: { host, origin: 'http://192.0.2.7:9000' } }, 'CROSS_SITE'],
    ['a sandboxed frame', { headers: { host, origin: 'null' } }, 'CROSS_SITE'],
    ['another page that plays recordings', { headers: foreign, action: 'playback' }, 'CROSS_SITE'],
    ['another page that talks', { headers: foreign, action: 'talk' }, 'CROSS_SITE'],
    ['another page with a login of the browser', { headers: { ...foreign, authorization: basic } }, 'CROSS_SITE'],
    ['another page with a token', { headers: foreign, token: secret }, 'ok'],
    ['another page with a guess', { headers: foreign, token: 'guess' }, 'TOKEN_INVALID'],
    ['this page with an old token', { headers: { host }, token: 'old' }, 'ok'],
  ];
  for (const [title, request, expected] of cases) assert.equal(await verdict(fixture, request), expected, title);
  await using strict = await openApiFixture();
  const asBrowser = { headers: { ...foreign, authorization: basic } };
  assert.equal(await verdict(strict, asBrowser), 'CROSS_SITE', 'a login that the browser keeps');
});

test('the RTSP login of an API token opens media, told or proven, until the token is revoked', async () => {
  await using fixture = await openApiFixture();
  const { identity } = fixture.deps;
  const user = await identity.users.add({ name: 'anna', password: 'long enough', role: 'admin' });
  const { id } = await identity.tokens.create(user, { name: 'wall', limits: { role: 'viewer', streams: ['gate'] } });
  const password = rtspPasswordOf(identity.mediaKey, id);
  assert.match(password, /^[\w-]{22}$/);
  const proof = (username: string, known: string) => ({ username, matches: (expected: string) => expected === known });
  const told = (name: string, known: string) => ({
    headers: { authorization: `Basic ${Buffer.from(`${name}:${known}`).toString('base64')}` },
  });
  assert.equal(await verdict(fixture, { proof: proof(id, password) }), 'ok');
  assert.equal(await verdict(fixture, { proof: proof(id, password), action: 'publish' }), 'ROLE_NEEDED');
  assert.equal(await verdict(fixture, { proof: proof(id, password), streamId: 'yard' }), 'STREAM_FORBIDDEN');
  assert.equal(await verdict(fixture, { proof: proof(id, 'wrong') }), 'LOGIN_WRONG');
  assert.equal(await verdict(fixture, { proof: proof('anna', 'long enough') }), 'LOGIN_WRONG');
  const forged = rtspPasswordOf(identity.mediaKey, 'other');
  assert.equal(await verdict(fixture, { proof: proof('other', forged) }), 'LOGIN_WRONG', 'no such token');
  assert.equal(await verdict(fixture, told(id, password)), 'ok');
  assert.equal(await verdict(fixture, told(id, 'wrong')), 'TOKEN_INVALID');
  assert.notEqual((await identity.tokens.list())[0]?.usedMs, undefined);
  await identity.tokens.revoke(id);
  assert.equal(await verdict(fixture, { proof: proof(id, password) }), 'LOGIN_WRONG');
  assert.equal(await verdict(fixture, told(id, password)), 'TOKEN_INVALID');
});

test('a wrong login is called wrong, with what would do in its place, on one line of RTSP', async () => {
  await using fixture = await openApiFixture();
  const told = (password: string) => `Basic ${Buffer.from(`anna:${password}`).toString('base64')}`;
  const byBasic = (password: string) => ({ headers: { authorization: told(password) } });
  const cases: readonly [title: string, request: Partial<AccessRequest> & { token?: string }, expected: RegExp][] = [
    [
      'Digest',
      { proof: { username: 'anna', matches: () => false } },
      /^name or password is wrong.+rtsps.+Basic.+API token/,
    ],
    ['a password of a user', { ...byBasic('wrong'), takesPasswords: true }, /^name or password is wrong$/],
    ['a password over HTTP', byBasic('wrong'), /^name or password is wrong.+API token as the password/],
    ['a token as the password', byBasic('wp_wrong'), /^the token is not valid.+make a new one/],
    ['an API token', { token: 'wp_wrong' }, /^the token is not valid.+make a new one/],
    ['a signed address', { token }, /^this token does not open the stream "gate".+ask for a new address/],
    ['a signed address of a publisher', { token, action: 'publish' }, /^this token does not.+API token of an operator/],
  ];
  for (const [title, request, expected] of cases) {
    const error = await refusal(fixture, request);
    assert.match(error.message, expected, title);
    assert.ok(error.message.length <= 200, `${title}: ${error.message.length}`);
  }
});
