import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBase64, toBase64 } from './base64.ts';

test('base64 is that of RFC 4648 §10, and padding may be missing where it is read', () => {
  const table = { '': '', f: 'Zg==', fo: 'Zm8=', foo: 'Zm9v', foob: 'Zm9vYg==', fooba: 'Zm9vYmE=', foobar: 'Zm9vYmFy' };
  for (const [text, base64] of Object.entries(table)) {
    const bytes = new TextEncoder().encode(text);
    assert.equal(toBase64(bytes), base64);
    assert.deepEqual(fromBase64(base64), bytes);
    assert.deepEqual(fromBase64(base64.replaceAll('=', '')), bytes);
  }
});

test('any bytes come back, more of them than a call takes arguments', () => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >>> 3);
  assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
});

test('what is no base64 is thrown', () => {
  for (const text of ['A', 'AA=A', 'AA-_', 'Zm9v*'])
    assert.throws(() => fromBase64(text), { name: 'InvalidCharacterError' });
});
