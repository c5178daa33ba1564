import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiFixture, openApiFixture } from './api-fixture.ts';

const password = 'correct horse';

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the test is about
  readonly body: any;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

type Ask = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, payload?: object) => Promise<Answer>;

function asking(fixture: ApiFixture, token: string): Ask {
  return async (method, path, payload) => {
    const headers = { authorization: `Bearer ${token}`, 'user-agent': 'test' };
    const answer = await fixture.app.inject({ method, url: `/api/v1${path}`, headers, ...(payload && { payload }) });
    const body = /json/.test(String(answer.headers['content-type'])) ? answer.json() : undefined;
    return { status: answer.statusCode, body, headers: answer.headers, text: answer.body };
  };
}

async function logIn(fixture: ApiFixture, name: string, word = password): Promise<Ask> {
  const payload = { name, password: word };
  const answer = await fixture.app.inject({ method: 'POST', url: '/api/v1/login', payload });
  assert.equal(answer.statusCode, 200, answer.body);
  return asking(fixture, answer.json().token);
}

async function open() {
  const fixture = await openApiFixture();
  await fixture.deps.identity.users.add({ name: 'anna', password, role: 'admin' });
  const base = { title: '', protocol: 'rtsp', record: false, onDemand: false, stopped: true, origin: 'api' } as const;
  for (const id of ['gate', 'gate.sub', 'yard']) await fixture.deps.hub.define({ ...base, id, sources: [] });
  const admin = await logIn(fixture, 'anna');
  return { fixture, admin, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

const guard = { name: 'boris', password, role: 'operator', streams: ['gate'] };

test('an administrator adds, lists, changes and removes users; no answer holds a password', async () => {
  await using opened = await open();
  const { admin } = opened;
  const made = await admin('POST', '/users', guard);
  assert.deepEqual(
    [made.status, made.body.name, made.body.role, made.body.streams],
    [201, 'boris', 'operator', ['gate']],
  );
  assert.equal((await admin('POST', '/users', guard)).body.code, 'USER_EXISTS');
  const changed = await admin('PATCH', '/users/boris', { role: 'viewer', streams: null });
  assert.deepEqual([changed.body.role, changed.body.streams], ['viewer', null]);
  const list = await admin('GET', '/users');
  assert.deepEqual(
    list.body.users.map(({ name, role }: { name: string; role: string }) => [name, role]),
    [
      ['anna', 'admin'],
      ['boris', 'viewer'],
    ],
  );
  assert.ok(!/argon|password/.test(list.text + made.text));
  assert.equal((await admin('DELETE', '/users/boris')).status, 204);
  assert.equal((await admin('DELETE', '/users/boris')).body.code, 'USER_NOT_FOUND');
});

const refusedUsers: readonly [what: string, change: object, code: string][] = [
  ['a short password', { password: 'short' }, 'INVALID'],
  ['a role that there is not', { role: 'root' }, 'INVALID'],
  ['an empty list of streams', { streams: [] }, 'INVALID'],
  ['what is no stream', { streams: ['../etc'] }, 'STREAMS_INVALID'],
  ['a field that there is not', { admin: true }, 'INVALID'],
];

for (const [what, change, code] of refusedUsers)
  test(`a user with ${what} is not added`, async () => {
    await using opened = await open();
    const answer = await opened.admin('POST', '/users', { ...guard, ...change });
    assert.equal(answer.status, 400);
    if (code !== 'INVALID') assert.equal(answer.body.code, code);
    assert.equal((await opened.admin('GET', '/users')).body.users.length, 1);
  });

test('the last administrator is neither removed nor demoted, until there is another', async () => {
  await using opened = await open();
  const { admin } = opened;
  assert.equal((await admin('DELETE', '/users/anna')).body.code, 'LAST_ADMIN');
  assert.equal((await admin('PATCH', '/users/anna', { role: 'operator' })).body.code, 'LAST_ADMIN');
  await admin('POST', '/users', { name: 'clara', password, role: 'admin' });
  assert.equal((await admin('PATCH', '/users/anna', { role: 'operator' })).status, 200);
  assert.equal((await admin('GET', '/users')).body.code, 'ROLE_NEEDED');
});

test('an administrator may be limited to streams, but not the last one of all, and changes nothing else', async () => {
  await using opened = await open();
  const { admin, fixture } = opened;
  assert.equal((await admin('PATCH', '/users/anna', { streams: ['gate'] })).body.code, 'LAST_ADMIN');
  const made = await admin('POST', '/users', { ...guard, role: 'admin', streams: ['gate'] });
  assert.deepEqual([made.status, made.body.role, made.body.streams], [201, 'admin', ['gate']]);
  assert.equal((await admin('DELETE', '/users/anna')).body.code, 'LAST_ADMIN');
  const boris = await logIn(fixture, 'boris');
  assert.equal((await boris('PATCH', '/users/boris', { streams: null })).body.code, 'STREAMS_LIMITED');
  assert.equal((await boris('DELETE', '/streams/yard')).body.code, 'STREAM_FORBIDDEN');
  assert.notEqual((await boris('DELETE', '/streams/gate')).status, 403);
  assert.deepEqual(
    (await boris('GET', '/sessions')).body.sessions.map(({ user }: { user: string }) => user),
    ['boris'],
  );
});

test('a password set by an administrator ends all sessions; one set by the person spares the one that asks', async () => {
  await using opened = await open();
  const { admin, fixture } = opened;
  await admin('POST', '/users', guard);
  const first = await logIn(fixture, 'boris');
  await admin('PATCH', '/users/boris', { password: 'another horse' });
  assert.equal((await first('GET', '/streams')).status, 401);
  const second = await logIn(fixture, 'boris', 'another horse');
  const third = await logIn(fixture, 'boris', 'another horse');
  const wrong = await second('POST', '/password', { current: 'guess', password: 'third horse' });
  assert.deepEqual([wrong.status, wrong.body.code], [403, 'PASSWORD_WRONG']);
  const right = await second('POST', '/password', { current: 'another horse', password: 'third horse' });
  assert.equal(right.status, 204);
  assert.deepEqual([(await second('GET', '/streams')).status, (await third('GET', '/streams')).status], [200, 401]);
  await logIn(fixture, 'boris', 'third horse');
});

test('guessing the present password is as slow as logging in', async () => {
  await using opened = await open();
  const guess = () => opened.admin('POST', '/password', { current: 'guess', password: 'another one' });
  for (let i = 0; i < 5; i++) assert.equal((await guess()).status, 403);
  const slowed = await guess();
  assert.deepEqual([slowed.status, slowed.headers['retry-after']], [429, '1']);
});

test('people see and end their own sessions, administrators all of them, API tokens none', async () => {
  await using opened = await open();
  const { admin, fixture } = opened;
  await admin('POST', '/users', guard);
  const boris = await logIn(fixture, 'boris');
  const own = (await boris('GET', '/sessions')).body.sessions;
  assert.deepEqual(
    own.map(({ user, user_agent }: Record<string, string>) => [user, user_agent]),
    [['boris', 'lightMyRequest']],
  );
  const all = (await admin('GET', '/sessions')).body.sessions as { user: string; id: string }[];
  const annas = all.find(({ user }) => user === 'anna')!;
  assert.equal((await boris('DELETE', `/sessions/${annas.id}`)).status, 404);
  const token = await admin('POST', '/tokens', { name: 'tv', role: 'viewer' });
  const tv = asking(fixture, token.body.token);
  assert.equal((await tv('GET', '/sessions')).body.code, 'SESSION_NEEDED');
  assert.equal(
    (await tv('POST', '/password', { current: password, password: 'x'.repeat(9) })).body.code,
    'SESSION_NEEDED',
  );
  assert.equal((await admin('DELETE', `/sessions/${own[0].id}`)).status, 204);
  assert.equal((await boris('GET', '/streams')).status, 401);
});

test('a token is shown with the rights that it has now, and has no more than its user', async () => {
  await using opened = await open();
  const { admin, fixture } = opened;
  const { body } = await admin('POST', '/tokens', { name: 'wall', role: 'operator', streams: ['gate', 'yard'] });
  assert.deepEqual([body.user, body.role, body.streams], ['anna', 'operator', ['gate', 'yard']]);
  await admin('POST', '/users', { name: 'clara', password, role: 'admin' });
  await admin('PATCH', '/users/anna', { role: 'viewer', streams: ['yard'] });
  const clara = await logIn(fixture, 'clara');
  const [listed] = (await clara('GET', '/tokens')).body.tokens;
  assert.deepEqual([listed.role, listed.streams], ['viewer', ['yard']]);
  const wall = asking(fixture, body.token);
  assert.equal((await wall('GET', '/streams/gate')).body.code, 'STREAM_FORBIDDEN');
  assert.equal((await wall('GET', '/streams/yard')).status, 200);
});

test('somebody limited to streams sees their streams and events only, in lists, pages and as they happen', async () => {
  await using opened = await open();
  const { admin, fixture } = opened;
  await admin('POST', '/users', guard);
  const boris = await logIn(fixture, 'boris');
  const { events } = fixture;
  for (const streamId of ['gate', 'gate.sub', 'yard'])
    events.emit({ type: 'stream.online', level: 'info', streamId, message: '' });
  events.emit({ type: 'disk.low', level: 'warning', message: '' });
  const ids = async (ask: Ask, path: string, list: string) =>
    (await ask('GET', path)).body[list].map(({ stream_id }: { stream_id: string }) => stream_id);
  assert.deepEqual(await ids(boris, '/streams', 'streams'), ['gate', 'gate.sub']);
  assert.deepEqual(await ids(boris, '/events', 'events'), ['gate.sub', 'gate']);
  assert.deepEqual(await ids(boris, '/events?stream_id=yard', 'events'), []);
  await admin('PATCH', '/users/boris', { streams: null });
  assert.deepEqual(await ids(boris, '/events', 'events'), [null, 'yard', 'gate.sub', 'gate']);
  const types = (await admin('GET', '/events')).body.events.map(({ type }: { type: string }) => type);
  assert.ok(types.includes('auth.login'));
});

test('the audit log tells who did what, was refused, and came in; by filter, and as CSV that no spreadsheet runs', async () => {
  await using opened = await open();
  const { admin, fixture } = opened;
  await admin('POST', '/users', guard);
  const boris = await logIn(fixture, 'boris');
  await boris('POST', '/streams/gate/recording/start');
  await boris('POST', '/streams/yard/recording/start');
  await fixture.app.inject({ method: 'POST', url: '/api/v1/login', payload: { name: '=cmd|"x"', password: 'x' } });
  const key = await fixture.deps.agents.tokens.create({ name: 'k', maxUses: 1, createdBy: '', expiresMs: 2e12 });
  await fixture.deps.agents.store.enrol('shop-7', new Uint8Array(32), key.id);
  await admin('POST', '/agents/shop-7/release');
  await boris('POST', '/logout');
  const rows = async (query: string) =>
    (await admin('GET', `/audit?${query}`)).body.entries.map(
      (row: Record<string, string>) => `${row['action']} ${row['user']} ${row['stream_id']} ${row['detail']}`,
    );
  assert.deepEqual(await rows(''), [
    'logout boris null logout',
    'configure anna null releaseAgent shop-7',
    'login_failed =cmd|"x" null auth.login_failed',
    'denied boris yard POST /api/v1/streams/:id/recording/start',
    'record boris gate startRecording',
    'login boris null auth.login',
    'configure anna null createUser boris',
    'login anna null auth.login',
  ]);
  assert.deepEqual(await rows('user=boris&action=record'), ['record boris gate startRecording']);
  assert.deepEqual(await rows('stream_id=yard'), ['denied boris yard POST /api/v1/streams/:id/recording/start']);
  assert.deepEqual(await rows('end=1000'), []);
  const csv = await admin('GET', '/audit?format=csv&action=login_failed');
  assert.match(String(csv.headers['content-type']), /^text\/csv/);
  const lines = csv.text.split('\r\n');
  assert.equal(lines[0], 'at,action,user,via,stream_id,detail,address,user_agent');
  assert.match(
    lines[1]!,
    /^[^,]+,login_failed,"'=cmd\|""x""",password,,auth\.login_failed,127\.0\.0\.1,lightMyRequest$/,
  );
  assert.equal(lines.length, 3);
});

test('pages of the audit log follow each other', async () => {
  await using opened = await open();
  for (let i = 0; i < 5; i++) await opened.admin('POST', '/streams/yard/start');
  const first = (await opened.admin('GET', '/audit?limit=4')).body;
  const second = (await opened.admin('GET', `/audit?limit=4&before=${first.next}`)).body;
  assert.deepEqual([first.entries.length, second.entries.length, second.next], [4, 2, null]);
});

test('players may look, and publishers send, where their rights reach; both are written down once', async () => {
  await using opened = await open();
  const { admin, fixture } = opened;
  const secret = async (body: object) => (await admin('POST', '/tokens', { name: 'x', ...body })).body.token as string;
  const viewer = await secret({ role: 'viewer', streams: ['gate'] });
  const operator = await secret({ role: 'operator', streams: ['gate'] });
  const ask = (action: 'live' | 'playback' | 'publish', streamId: string, token: string) =>
    fixture.api.access
      .authorize({ action, streamId, headers: {}, query: new URLSearchParams({ token }), remoteAddress: '192.0.2.9' })
      .then(
        () => 'ok',
        (error) => error.code,
      );
  for (const action of ['live', 'playback'] as const) {
    assert.deepEqual([await ask(action, 'gate', viewer), await ask(action, 'gate.sub', viewer)], ['ok', 'ok']);
    assert.equal(await ask(action, 'yard', viewer), 'STREAM_FORBIDDEN');
  }
  assert.equal(await ask('publish', 'gate', viewer), 'ROLE_NEEDED');
  assert.equal(await ask('publish', 'yard', operator), 'STREAM_FORBIDDEN');
  assert.equal(await ask('publish', 'gate', operator), 'ok');
  await ask('live', 'gate', viewer);
  const { entries } = (await admin('GET', '/audit?action=live')).body;
  assert.deepEqual(
    entries.map((row: Record<string, string>) => [row['stream_id'], row['user'], row['via'], row['address']]),
    [
      ['gate.sub', 'anna', 'token x', '192.0.2.9'],
      ['gate', 'anna', 'token x', '192.0.2.9'],
    ],
  );
});

test('a signed address says that it ends with the token it was made by', async () => {
  await using opened = await open();
  const { admin, fixture } = opened;
  const { token, expires } = (await admin('POST', '/tokens', { name: 'trial', expires_days: 1 })).body;
  fixture.clock.advance(23 * 3_600_000);
  const headers = { authorization: `Bearer ${token}` };
  const play = await fixture.app.inject({ url: '/api/v1/streams/gate/play?protocol=hls', headers });
  assert.equal(play.json().expires, expires);
});

test('a signed address ends with the rights of whom it was made for', async () => {
  await using opened = await open();
  const { admin, fixture } = opened;
  await admin('POST', '/users', guard);
  const boris = await logIn(fixture, 'boris');
  const { path } = (await boris('GET', '/streams/gate/play?protocol=hls')).body;
  const query = new URL(path, 'http://x').searchParams;
  const ask = () =>
    fixture.api.access
      .authorize({ action: 'live', streamId: 'gate', headers: {}, query, remoteAddress: '192.0.2.9' })
      .then(
        () => 'ok',
        (error) => error.code,
      );
  assert.equal(await ask(), 'ok');
  await admin('PATCH', '/users/boris', { streams: ['yard'] });
  assert.equal(await ask(), 'STREAM_FORBIDDEN');
  await admin('DELETE', '/users/boris');
  assert.equal(await ask(), 'TOKEN_INVALID');
});
