import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { sql } from 'kysely';
import { openDatabase } from '../database.ts';
import { Gate } from './gate.ts';
import { Identity } from './identity.ts';
import { equalSecrets, hashPassword, newSecret, verifyPassword } from './secrets.ts';
import { sessionLifeMs } from './sessions.ts';

const anna = { name: 'anna', password: 'correct horse', role: 'admin' } as const;
const from = { address: '192.0.2.1', userAgent: 'test' };

async function open(path = ':memory:') {
  const clock = new ManualClock();
  const database = await openDatabase(path);
  const identity = await Identity.open(database, clock);
  return { clock, database, identity, [Symbol.asyncDispose]: () => database.destroy() };
}

test('a password is kept as argon2id with a salt of its own, and is the same however its letters are composed', async () => {
  const [one, two] = await Promise.all([hashPassword('Zoë1234'), hashPassword('Zoë1234')]);
  assert.match(one!, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.notEqual(one, two);
  assert.equal(await verifyPassword('Zoe\u03081234', one!), true);
  assert.equal(await verifyPassword('Zoe1234', one!), false);
  for (const broken of ['', 'plain', '$argon2id$v=19$m=1,t=1,p=1$$', '$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA'])
    assert.equal(await verifyPassword('x', broken), false);
});

test('a hash is verified with the costs that it names', async () => {
  const hash = await hashPassword('x');
  assert.equal(await verifyPassword('x', hash.replace('t=2', 't=3')), false);
});

test('names and passwords that are no good are refused; a name is taken once', async () => {
  await using opened = await open();
  const { users } = opened.identity;
  for (const name of ['', 'a b', 'a/b', 'x'.repeat(65)])
    await assert.rejects(users.add({ ...anna, name }), { code: 'USER_NAME_INVALID' });
  await assert.rejects(users.add({ ...anna, password: 'short' }), { code: 'PASSWORD_INVALID' });
  await users.add(anna);
  await assert.rejects(users.add(anna), { code: 'USER_EXISTS' });
  assert.deepEqual(
    (await users.list()).map(({ name, role }) => [name, role]),
    [['anna', 'admin']],
  );
});

test('only the right password of an existing user is right', async () => {
  await using opened = await open();
  const { users } = opened.identity;
  await users.add(anna);
  assert.equal((await users.verify('anna', anna.password))?.name, 'anna');
  assert.equal(await users.verify('anna', 'wrong'), undefined);
  assert.equal(await users.verify('nobody', anna.password), undefined);
});

test('a new password ends all sessions; removing a user ends sessions and tokens', async () => {
  await using opened = await open();
  const { users, sessions, tokens } = opened.identity;
  const user = await users.add(anna);
  const first = await sessions.begin(user, from);
  await users.change('anna', { password: 'another one' });
  assert.equal(await sessions.find(first.token), undefined);
  assert.ok(await users.verify('anna', 'another one'));
  const second = await sessions.begin(user, from);
  const { secret } = await tokens.create(user, { name: 'x' });
  assert.ok((await sessions.find(second.token)) && (await tokens.find(secret)));
  await users.add({ ...anna, name: 'boris' });
  await users.remove('anna');
  assert.deepEqual([await sessions.find(second.token), await tokens.find(secret)], [undefined, undefined]);
  await assert.rejects(users.remove('anna'), { code: 'USER_NOT_FOUND' });
});

test('a session lives for 30 days after it was last used', async () => {
  await using opened = await open();
  const { clock, identity } = opened;
  const { token } = await identity.sessions.begin(await identity.users.add(anna), from);
  for (let i = 0; i < 3; i++) {
    clock.advance(sessionLifeMs - 1);
    assert.ok(await identity.sessions.find(token), `use ${i}`);
  }
  clock.advance(sessionLifeMs);
  assert.equal(await identity.sessions.find(token), undefined);
  assert.deepEqual(await identity.sessions.list(), []);
});

test('a user has at most a hundred sessions: the one unused for longest ends', async () => {
  await using opened = await open();
  const { clock, identity } = opened;
  const user = await identity.users.add(anna);
  const tokens: string[] = [];
  for (let i = 0; i < 102; i++) {
    clock.advance(10);
    tokens.push((await identity.sessions.begin(user, from)).token);
  }
  assert.equal((await identity.sessions.list()).length, 100);
  assert.deepEqual(
    [await identity.sessions.find(tokens[1]!), (await identity.sessions.find(tokens[2]!))?.address],
    [undefined, from.address],
  );
});

test('users, sessions, tokens and the signing key survive a restart; no secret is in the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'watchpost-'));
  const path = join(folder, 'watchpost.db');
  let session = '';
  let secret = '';
  let mediaKey: Uint8Array;
  {
    await using opened = await open(path);
    const user = await opened.identity.users.add(anna);
    session = (await opened.identity.sessions.begin(user, from)).token;
    secret = (await opened.identity.tokens.create(user, { name: 'x' })).secret;
    mediaKey = opened.identity.mediaKey;
  }
  {
    await using opened = await open(path);
    assert.deepEqual(opened.identity.mediaKey, mediaKey);
    assert.equal(mediaKey.length, 32);
    assert.equal((await opened.identity.sessions.find(session))?.user.name, 'anna');
    assert.equal((await opened.identity.tokens.find(secret))?.user.name, 'anna');
    assert.equal(await opened.identity.setUpToken(), undefined);
  }
  const bytes = await readFile(path, 'latin1');
  for (const text of [session, secret, anna.password]) assert.ok(!bytes.includes(text));
  await rm(folder, { recursive: true });
});

test('the set-up token is the same until it is used, another after a restart, and void once a user was added otherwise', async () => {
  await using opened = await open();
  const { identity, database, clock } = opened;
  const token = (await identity.setUpToken())!;
  assert.equal(await identity.setUpToken(), token);
  const restarted = await Identity.open(database, clock);
  assert.notEqual(await restarted.setUpToken(), token);
  await assert.rejects(restarted.setUp(token, anna), { code: 'SET_UP_TOKEN_WRONG' });
  await identity.users.add(anna);
  await assert.rejects(identity.setUp(token, { name: 'eve', password: 'long enough' }), { code: 'SET_UP_DONE' });
});

test('a gate lets two run, the next wait their turn, and the rest go away', async () => {
  const gate = new Gate({ maxRunning: 2, maxWaiting: 1 });
  const order: string[] = [];
  const finish: (() => void)[] = [];
  const task = (name: string) =>
    gate.run(async () => {
      order.push(name);
      await new Promise<void>((resolve) => finish.push(resolve));
    });
  const running = [task('a'), task('b'), task('c')];
  await assert.rejects(task('d'), { code: 'LOGIN_BUSY' });
  assert.deepEqual(order, ['a', 'b']);
  finish.shift()!();
  await running[0];
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, ['a', 'b', 'c']);
  for (const done of finish) done();
  await Promise.all(running);
});

test('secrets are random, carry their prefix, and are compared whole', () => {
  const secret = newSecret('wp_');
  assert.match(secret, /^wp_[\w-]{43}$/);
  assert.notEqual(secret, newSecret('wp_'));
  assert.ok(equalSecrets(secret, secret));
  assert.ok(!equalSecrets(secret, secret.slice(0, -1)));
  assert.ok(!equalSecrets('', secret));
});

test('tokens and sessions are let in while the database takes nothing, whose errors name the cure', async () => {
  await using opened = await open();
  const { clock, database, identity } = opened;
  const user = await identity.users.add(anna);
  const { secret } = await identity.tokens.create(user, { name: 'wall' });
  const { token } = await identity.sessions.begin(user, from);
  clock.advance(2 * 3_600_000);
  await sql`PRAGMA query_only = on`.execute(database);
  assert.equal((await identity.tokens.find(secret))?.name, 'wall');
  assert.equal((await identity.sessions.find(token))?.user.name, 'anna');
  await assert.rejects(identity.sessions.begin(user, from), {
    kind: 'unavailable',
    code: 'DATABASE_NOT_WRITABLE',
    message: /see to it that data_dir can be written to/,
  });
});
