import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteCache } from './byte-cache.ts';

test('what was asked for longest ago goes first', () => {
  const cache = new ByteCache(10);
  cache.set('a', new Uint8Array(4));
  cache.set('b', new Uint8Array(4));
  assert.equal(cache.get('a')?.length, 4);
  cache.set('c', new Uint8Array(4));
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => cache.get(key)?.length),
    [4, undefined, 4],
  );
  assert.equal(cache.bytes, 8);
});

test('replacing an entry counts its bytes once, and one that is too large is not kept', () => {
  const cache = new ByteCache(10);
  cache.set('a', new Uint8Array(4));
  cache.set('a', new Uint8Array(6));
  assert.equal(cache.bytes, 6);
  cache.set('a', new Uint8Array(11));
  assert.equal(cache.get('a'), undefined);
  assert.equal(cache.bytes, 0);
});
