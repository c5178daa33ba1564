import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseChallenge, parseChallenges, writeAuthorization } from './digest.ts';
import type { RtspRequest } from './message.ts';
import { type DigestClaim, ServerDigest } from './server-digest.ts';

const url = 'rtsp://192.0.2.1/live/gate';
const credentials = { username: 'Mufasa', password: 'Circle of Life' };

function request(authorization?: string, method = 'DESCRIBE'): RtspRequest {
  const headers = authorization === undefined ? [] : ([['Authorization', authorization]] as const);
  return { method, url, headers, body: new Uint8Array() };
}

function valuesOf(server: ServerDigest, nowMs: number, stale = false): string[] {
  return server.challenges(nowMs, stale).map(([, value]) => value);
}

/** An answer to one of the challenges. */
function answer(value: string, nonceCount = 1, method = 'DESCRIBE'): RtspRequest {
  const [challenge] = parseChallenges([value]);
  return request(writeAuthorization(challenge!, { method, url, credentials, nonceCount }), method);
}

function claimOf(server: ServerDigest, asked: RtspRequest, nowMs = 0): DigestClaim {
  const claim = server.read(asked, nowMs);
  assert.ok(claim !== undefined && claim !== 'stale', String(claim));
  return claim;
}

test('an answer to either challenge proves the password and no other, for its method only', () => {
  const server = new ServerDigest('Watchpost');
  const values = valuesOf(server, 0);
  assert.equal(values.length, 2);
  for (const [i, value] of values.entries()) {
    const claim = claimOf(server, answer(value, i + 1));
    assert.equal(claim.username, 'Mufasa');
    assert.deepEqual([claim.matches('Circle of Life'), claim.matches('Circle Of Life')], [true, false], value);
  }
  const moved = claimOf(server, { ...answer(values[0]!, 3), method: 'ANNOUNCE' });
  assert.ok(!moved.matches('Circle of Life'));
});

test('the strongest challenge is SHA-256; the last is MD5, without an algorithm, for clients that take the last', () => {
  const values = valuesOf(new ServerDigest('Watchpost'), 0);
  const best = chooseChallenge(parseChallenges(values));
  assert.equal(best?.scheme === 'digest' && best.algorithm, 'SHA-256');
  assert.doesNotMatch(values.at(-1)!, /algorithm/);
});

test('a nonce is stale after a minute, on another connection, and for a count that was used', () => {
  const server = new ServerDigest('Watchpost');
  const [value] = valuesOf(server, 0);
  assert.equal(server.read(answer(value!, 1), 60_000), 'stale');
  claimOf(server, answer(value!, 2), 59_999);
  assert.equal(server.read(answer(value!, 2), 59_999), 'stale', 'the same count');
  assert.equal(server.read(answer(value!, 1), 59_999), 'stale', 'an earlier count');
  claimOf(server, answer(value!, 3), 59_999);
  const other = new ServerDigest('Watchpost');
  assert.equal(other.read(answer(value!), 0), 'stale', 'before it challenged at all');
  const [fresh] = valuesOf(other, 0, true);
  assert.match(fresh!, /stale=true/);
  assert.equal(other.read(answer(value!), 0), 'stale');
  assert.ok(claimOf(other, answer(fresh!)).matches('Circle of Life'));
});

test('the nonce stays while it is fresh, and is new once it is stale', () => {
  const server = new ServerDigest('Watchpost');
  const nonceOf = (value: string | undefined) => /nonce="(\w+)"/.exec(value!)?.[1];
  const first = nonceOf(valuesOf(server, 0)[0]);
  assert.equal(nonceOf(valuesOf(server, 59_999)[1]), first);
  const second = nonceOf(valuesOf(server, 60_000)[0]);
  assert.notEqual(second, first);
  assert.notEqual(nonceOf(valuesOf(server, 60_001, true)[0]), second);
});

test('clients of RFC 2069 answer without a count', () => {
  const server = new ServerDigest('Watchpost');
  const value = valuesOf(server, 0)[1]!.replace(', qop="auth"', '');
  assert.ok(claimOf(server, answer(value)).matches('Circle of Life'));
});

test('what claims nothing by Digest is nothing', () => {
  const server = new ServerDigest('Watchpost');
  for (const value of [undefined, 'Basic eDp5', 'Bearer abc', 'Digest realm="Watchpost"'])
    assert.equal(server.read(request(value), 0), undefined, value);
});
