import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from '../../catalog/database.ts';
import { Identity } from '../../catalog/identity/identity.ts';
import type { ApiToken, User } from '../../catalog/identity/types.ts';
import type { AccessRequest } from '../../hub/types.ts';
import { type ApiFixture, openApiFixture } from '../api-fixture.ts';
import { signMediaToken } from './media-token.ts';

const password = 'long enough';
const basic = (name: string, secret: string) => `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;

interface Cast {
  readonly fixture: ApiFixture;
  readonly user: User;
  readonly token: ApiToken;
  readonly sessionId: string;
}

/** How somebody comes in. */
type Way = 'token' | 'session' | 'password' | 'signed';

async function requestsOf(fixture: ApiFixture, user: User) {
  const { identity } = fixture.deps;
  const nowMs = fixture.clock.wallMs();
  const token = await identity.tokens.create(user, { name: 'x', expiresMs: nowMs + 3_600_000 });
  const session = await identity.sessions.begin(user, { address: '', userAgent: '' });
  const address = { streamId: 'gate', action: 'live', expiresMs: nowMs + 60_000, grantee: `u${user.id}` } as const;
  const signed = signMediaToken(identity.mediaKey, address);
  const request = (more: Partial<AccessRequest>): AccessRequest => ({
    ...{ action: 'live', streamId: 'gate', headers: {}, query: new URLSearchParams(), remoteAddress: '192.0.2.1' },
    ...more,
  });
  const requests: Readonly<Record<Way, AccessRequest>> = {
    token: request({ query: new URLSearchParams({ token: token.secret }) }),
    session: request({ headers: { cookie: `watchpost_session=${session.token}` } }),
    password: request({ headers: { authorization: basic('bert', password) }, takesPasswords: true }),
    signed: request({ query: new URLSearchParams({ token: signed }) }),
  };
  const sessionId = (await identity.sessions.list(user.id))[0]!.id;
  return { requests, token, sessionId };
}

const all: readonly Way[] = ['token', 'session', 'password', 'signed'];
const cases: readonly [what: string, does: (cast: Cast) => Promise<unknown>, ends: readonly Way[], code: string][] = [
  [
    'the token is revoked',
    ({ fixture, token }) => identityOf(fixture).tokens.revoke(token.id),
    ['token'],
    'ACCESS_REVOKED',
  ],
  ['the session is ended', (c) => identityOf(c.fixture).sessions.revoke(c.sessionId), ['session'], 'ACCESS_REVOKED'],
  ['the user is removed', ({ fixture }) => identityOf(fixture).users.remove('bert'), all, 'ACCESS_REVOKED'],
  [
    'the password is changed',
    ({ fixture }) => identityOf(fixture).users.change('bert', { password: 'another one' }),
    ['session', 'password'],
    'ACCESS_REVOKED',
  ],
  [
    'other streams are left',
    ({ fixture }) => identityOf(fixture).users.change('bert', { streams: ['yard'] }),
    all,
    'STREAM_FORBIDDEN',
  ],
  [
    'its stream is left',
    ({ fixture }) => identityOf(fixture).users.change('bert', { role: 'viewer', streams: ['gate'] }),
    [],
    '',
  ],
  [
    'signed address and then token expire',
    async ({ fixture }) => fixture.clock.advance(3_601_000),
    ['token'],
    'ACCESS_REVOKED',
  ],
];

for (const [what, does, ends, code] of cases)
  test(`what goes on when ${what} is cut for ${ends.join(', ') || 'nobody'}`, async () => {
    await using fixture = await openApiFixture();
    const user = await identityOf(fixture).users.add({ name: 'bert', password, role: 'operator' });
    const { requests, token, sessionId } = await requestsOf(fixture, user);
    const ended: Partial<Record<Way, string>> = {};
    for (const way of all)
      (await fixture.api.access.authorize(requests[way])).onEnd((reason) => {
        ended[way] = reason.code;
      });
    fixture.clock.advance(1100);
    await settled();
    assert.deepEqual(ended, {}, 'nothing has changed yet');
    await does({ fixture, user, token, sessionId });
    await settled();
    assert.deepEqual(ended, Object.fromEntries(ends.map((way) => [way, code])));
  });

test('a role too small for it ends what publishes and talks, and not what looks', async () => {
  await using fixture = await openApiFixture();
  const user = await identityOf(fixture).users.add({ name: 'bert', password, role: 'operator' });
  const { requests } = await requestsOf(fixture, user);
  const ended: string[] = [];
  for (const action of ['live', 'playback', 'publish', 'talk'] as const) {
    const grant = await fixture.api.access.authorize({ ...requests.token, action });
    grant.onEnd((reason) => void ended.push(`${action} ${reason.code}`));
  }
  await identityOf(fixture).users.change('bert', { role: 'viewer' });
  await settled();
  assert.deepEqual(ended, ['publish ROLE_NEEDED', 'talk ROLE_NEEDED']);
});

test('another process revokes: seen within a second; what was given back is not called', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'grants-'));
  try {
    const path = join(dir, 'watchpost.db');
    await using fixture = await openApiFixture({ path });
    const user = await identityOf(fixture).users.add({ name: 'bert', password, role: 'viewer' });
    const { requests, token } = await requestsOf(fixture, user);
    const ended: string[] = [];
    const grant = await fixture.api.access.authorize(requests.token);
    grant.onEnd(() => void ended.push('stays'));
    grant.onEnd(() => void ended.push('left'))();
    (await fixture.api.access.authorize(requests.session)).onEnd(() => void ended.push('session'));
    fixture.clock.advance(1100);
    await settled();
    const other = await openDatabase(path);
    await (await Identity.open(other, fixture.clock)).tokens.revoke(token.id);
    await other.destroy();
    fixture.clock.advance(1100);
    await settled();
    assert.deepEqual(ended, ['stays']);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('once logins are required those without one are cut within a second, those with one go on; again without, nobody is', async () => {
  let mode: 'required' | 'none' = 'required';
  await using fixture = await openApiFixture({ overrides: { auth: () => ({ mode, hosts: [] }) } });
  const user = await identityOf(fixture).users.add({ name: 'bert', password, role: 'viewer' });
  const { requests } = await requestsOf(fixture, user);
  const ended: string[] = [];
  const open = async (name: string, request: AccessRequest) =>
    (await fixture.api.access.authorize(request)).onEnd((reason) => void ended.push(`${name} ${reason.code}`));
  const turn = async (next: typeof mode) => {
    mode = next;
    fixture.clock.advance(1100);
    await settled();
  };
  await open('token', requests.token);
  await turn('none');
  await open('anybody', { ...requests.token, query: new URLSearchParams() });
  fixture.clock.advance(1100);
  await settled();
  assert.deepEqual(ended, []);
  await turn('required');
  assert.deepEqual(ended, ['anybody ACCESS_REVOKED']);
  await turn('none');
  await turn('required');
  assert.deepEqual(ended, ['anybody ACCESS_REVOKED']);
});

test('what was revoked between the answer and the session ends at once', async () => {
  await using fixture = await openApiFixture();
  const user = await identityOf(fixture).users.add({ name: 'bert', password, role: 'viewer' });
  const { requests, token } = await requestsOf(fixture, user);
  const grant = await fixture.api.access.authorize(requests.token);
  await identityOf(fixture).tokens.revoke(token.id);
  const ended: string[] = [];
  grant.onEnd((reason) => void ended.push(reason.code));
  await settled();
  assert.deepEqual(ended, ['ACCESS_REVOKED']);
});

function identityOf(fixture: ApiFixture): Identity {
  return fixture.deps.identity;
}

/** Queries to the database come back. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
