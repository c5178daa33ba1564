import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkStreams, coversStream, hasRole, lesserRights, streamsOfColumn, streamsToColumn } from './rights.ts';
import type { Rights } from './types.ts';

test('each role may do what the next may', () => {
  assert.deepEqual(
    [hasRole('admin', 'viewer'), hasRole('operator', 'operator'), hasRole('viewer', 'operator')],
    [true, true, false],
  );
});

test('a limit covers its streams and their second qualities, and nothing that only looks like them', () => {
  for (const id of ['gate', 'gate.sub']) assert.ok(coversStream(['gate'], id), id);
  for (const id of ['', 'yard', 'gate2', 'gat', 'gate.sub.sub', '.sub']) assert.ok(!coversStream(['gate'], id), id);
  assert.ok(coversStream(undefined, 'anything') && !coversStream([], 'gate'));
});

const lesser: readonly { name: string; of: Rights; limits: Partial<Rights>; gives: Rights }[] = [
  { name: 'no limit', of: { role: 'admin' }, limits: {}, gives: { role: 'admin', streams: undefined } },
  {
    name: 'a lesser role',
    of: { role: 'admin' },
    limits: { role: 'viewer' },
    gives: { role: 'viewer', streams: undefined },
  },
  {
    name: 'a greater role',
    of: { role: 'viewer' },
    limits: { role: 'admin' },
    gives: { role: 'viewer', streams: undefined },
  },
  {
    name: 'streams of its own',
    of: { role: 'admin' },
    limits: { streams: ['gate'] },
    gives: { role: 'admin', streams: ['gate'] },
  },
  {
    name: "streams beyond the user's",
    of: { role: 'viewer', streams: ['gate'] },
    limits: { streams: ['gate', 'yard'] },
    gives: { role: 'viewer', streams: ['gate'] },
  },
  {
    name: 'none, for a user that has a limit',
    of: { role: 'viewer', streams: ['gate'] },
    limits: {},
    gives: { role: 'viewer', streams: ['gate'] },
  },
];

for (const { name, of, limits, gives } of lesser)
  test(`a token with ${name} has the lesser of both rights`, () => {
    assert.deepEqual(lesserRights(of, limits), gives);
  });

test('a list of streams is kept sorted, each once; what is no stream is refused', () => {
  assert.deepEqual(checkStreams(['yard', 'gate', 'yard']), ['gate', 'yard']);
  for (const wrong of [[], ['Gate'], ['gate.sub'], ['a/b'], [''], Array.from({ length: 1001 }, (_, i) => `s${i}`)])
    assert.throws(() => checkStreams(wrong), { code: 'STREAMS_INVALID' });
});

test('a column that cannot be read covers nothing rather than everything', () => {
  assert.deepEqual(streamsOfColumn(streamsToColumn(['gate'])), ['gate']);
  assert.equal(streamsOfColumn(streamsToColumn(undefined)), undefined);
  for (const broken of ['', 'x', '{}', '"gate"', 'null']) assert.deepEqual(streamsOfColumn(broken), []);
});
