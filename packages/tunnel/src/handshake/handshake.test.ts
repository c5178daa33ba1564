import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { frameType, makeFrame } from '../frame.ts';
import { agentLimits, announcedLimits } from '../session-limits.ts';
import { ClientHandshake, type ClientHandshakeOptions, type ClientOutcome } from './client-handshake.ts';
import { type KeyPair, webCrypto } from './crypto.ts';
import { parseRefused, writeWelcome } from './messages.ts';
import { type KnownAgent, type KnownToken, ServerHandshake, type ServerOutcome } from './server-handshake.ts';

const crypto = webCrypto(globalThis.crypto);
const limits = announcedLimits(agentLimits, 32);
const [serverKeys, agentKeys, strangerKeys] = await Promise.all([
  crypto.makeKeyPair(),
  crypto.makeKeyPair(),
  crypto.makeKeyPair(),
]);
const token = { id: '00112233aabb', secret: new Uint8Array(24).fill(7) };
const tokenHash = new Uint8Array(createHash('sha256').update(token.secret).digest());

interface Case {
  agent?: Partial<ClientHandshakeOptions>;
  known?: KnownAgent;
  token?: KnownToken;
  serverKeys?: KeyPair;
  /** Changes messages on their way. */
  between?: (message: Uint8Array) => Uint8Array;
}

async function shake(given: Case): Promise<ServerOutcome | ClientOutcome> {
  const client = new ClientHandshake({
    crypto,
    agentId: 'gate-7',
    keys: agentKeys,
    instance: 'boot-1',
    limits,
    ...given.agent,
  });
  const server = new ServerHandshake({
    crypto,
    keys: given.serverKeys ?? serverKeys,
    findAgent: async () => given.known,
    findToken: async (id) => (id === token.id ? given.token : undefined),
  });
  const between = given.between ?? ((message) => message);
  const challenge = await server.receive(between(client.hello));
  if (challenge.kind === 'refused') return challenge;
  assert.equal(challenge.kind, 'send');
  const proof = await client.receive(between((challenge as { message: Uint8Array }).message));
  if (proof.kind !== 'send') return proof;
  return server.receive(between(proof.message));
}

test('HS-1: an enrolment token lets an unknown key in, which is then to be pinned', async () => {
  const outcome = await shake({ agent: { token }, token: { secretHash: tokenHash } });
  assert.equal(outcome.kind, 'proven');
  assert.equal(outcome.kind === 'proven' && outcome.enrolledBy, token.id);
  assert.deepEqual(outcome.kind === 'proven' && outcome.hello.publicKey, agentKeys.publicKey);
});

test('HS-2: a pinned key needs no token, and names the session it goes on with', async () => {
  const resume = { session: 's1', received: 12_345 };
  const outcome = await shake({
    known: { publicKey: agentKeys.publicKey },
    agent: { resume, serverKey: serverKeys.publicKey },
  });
  assert.deepEqual(outcome.kind === 'proven' && [outcome.resume, outcome.enrolledBy], [resume, undefined]);
});

const refusedCases: readonly [name: string, given: Case, reason: string][] = [
  ['no token', {}, 'token_required'],
  ['a token of nobody', { agent: { token: { ...token, id: 'ffffffffffff' } } }, 'token_invalid'],
  [
    'a token that expired',
    { agent: { token }, token: { secretHash: tokenHash, refusal: 'token_expired' } },
    'token_expired',
  ],
  [
    'a token used up',
    { agent: { token }, token: { secretHash: tokenHash, refusal: 'token_used_up' } },
    'token_used_up',
  ],
  ['another key for a known id', { known: { publicKey: strangerKeys.publicKey } }, 'key_mismatch'],
  [
    'another key for a known id, though with a good token',
    { known: { publicKey: strangerKeys.publicKey }, agent: { token }, token: { secretHash: tokenHash } },
    'key_mismatch',
  ],
  ['a revoked agent', { known: { publicKey: agentKeys.publicKey, isRevoked: true } }, 'revoked'],
  [
    'a public key without its private one',
    {
      known: { publicKey: agentKeys.publicKey },
      agent: { keys: { publicKey: agentKeys.publicKey, privateKey: strangerKeys.privateKey } },
    },
    'bad_signature',
  ],
];
for (const [name, given, reason] of refusedCases)
  test(`HS-3: ${name} is refused`, async () => {
    const outcome = await shake(given);
    assert.equal(outcome.kind, 'refused');
    assert.equal(outcome.kind === 'refused' && 'reason' in outcome && outcome.reason, reason);
    const said = outcome.kind === 'refused' && 'message' in outcome && parseRefused(outcome.message);
    assert.ok(said && said.retryAfterMs >= 5000 && said.message.length > 10);
  });

test('HS-4: an agent with a pinned server talks to no other', async () => {
  const known = { publicKey: agentKeys.publicKey };
  await assert.rejects(shake({ known, agent: { serverKey: strangerKeys.publicKey } }), { code: 'TUNNEL_SERVER_KEY' });
});

test('HS-4: without a pin a server must know the token; one that only relays the id does not', async () => {
  const known = { publicKey: agentKeys.publicKey };
  await assert.rejects(shake({ known, agent: { token } }), { code: 'TUNNEL_SERVER_KEY' });
  const wrong = { secretHash: new Uint8Array(32) };
  await assert.rejects(shake({ agent: { token }, token: wrong }), { code: 'TUNNEL_SERVER_KEY' });
});

test('HS-4: a token used up by the very agent whose first WELCOME was lost still shows the right server', async () => {
  const outcome = await shake({
    known: { publicKey: agentKeys.publicKey },
    agent: { token },
    token: { secretHash: tokenHash, refusal: 'token_used_up' },
  });
  assert.equal(outcome.kind, 'proven');
});

test('HS-5: the secret of the token is never sent', async () => {
  const said: string[] = [];
  await shake({
    agent: { token },
    token: { secretHash: tokenHash },
    between: (message) => {
      said.push(Buffer.from(message).toString('latin1'));
      return message;
    },
  });
  const all = said.join();
  assert.ok(all.includes(token.id));
  for (const bytes of [token.secret, tokenHash])
    assert.ok(
      !all.includes(Buffer.from(bytes).toString('base64url')) && !all.includes(Buffer.from(bytes).toString('latin1')),
    );
});

test('HS-6: a message that was changed on the way is noticed', async () => {
  const known = { publicKey: agentKeys.publicKey };
  const swap = (from: string, to: string) => (message: Uint8Array) =>
    new Uint8Array(Buffer.from(Buffer.from(message).toString('latin1').replace(from, to), 'latin1'));
  await assert.rejects(shake({ known, between: swap('"instance":"boot-1"', '"instance":"boot-2"') }), {
    code: 'TUNNEL_SERVER_KEY',
  });
  const resume = { session: 's1', received: 111 };
  const outcome = await shake({ known, agent: { resume }, between: swap('"received":111', '"received":222') });
  assert.equal(outcome.kind === 'refused' && 'reason' in outcome && outcome.reason, 'bad_signature');
});

test('HS-7: messages out of turn are malformed', async () => {
  const fresh = () =>
    new ServerHandshake({
      crypto,
      keys: serverKeys,
      findAgent: async () => undefined,
      findToken: async () => undefined,
    });
  const client = () => new ClientHandshake({ crypto, agentId: 'a', keys: agentKeys, instance: 'b', limits });
  const welcome = writeWelcome({ session: 's', resumed: false, received: 0, epoch: 1, graceMs: 1, limits });
  await assert.rejects(fresh().receive(makeFrame(frameType.proof, 0, Buffer.from('{}'))), { kind: 'malformed' });
  await assert.rejects(fresh().receive(makeFrame(frameType.data, 2, Buffer.from('{}'))), { kind: 'malformed' });
  await assert.rejects(fresh().receive(makeFrame(frameType.hello, 0, Buffer.from('[]'))), { kind: 'malformed' });
  await assert.rejects(client().receive(welcome), { kind: 'malformed' });
});

test('HS-8: an agent of another version is refused before anything else', async () => {
  const newer = (message: Uint8Array) => {
    const payload = Buffer.from(message).subarray(8).toString().replace('"min_version":1', '"min_version":9');
    return message[0] === frameType.hello ? makeFrame(frameType.hello, 0, Buffer.from(payload)) : message;
  };
  const outcome = await shake({ between: newer });
  assert.equal(outcome.kind === 'refused' && 'reason' in outcome && outcome.reason, 'version');
});
