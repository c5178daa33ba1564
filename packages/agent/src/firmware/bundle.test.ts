import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '@watchpost/base/bytes.ts';
import { sha1 } from '@watchpost/base/hash/sha1.ts';
import { sha256 } from '@watchpost/base/hash/sha256.ts';
import { bundleAgent, runtimeHashes } from './bundle.ts';

const load = runtimeHashes.load as (id: string) => string | undefined;

for (const [name, own] of Object.entries({ sha1, sha256 }))
  test(`the bundle takes ${name} from the runtime, and it is the same as our own`, async () => {
    const code = load(new URL(`../../../base/src/hash/${name}.ts`, import.meta.url).pathname);
    const module = await import(`data:text/javascript,${encodeURIComponent(code!)}`);
    for (let length = 0; length < 130; length++) {
      const message = Uint8Array.from({ length }, (_, i) => i * 37 + length);
      assert.equal(toHex(module[name](message)), toHex(own(message)), String(length));
    }
  });

test('only MD5 is in the bundle with its own arithmetic', async () => {
  const code = new TextDecoder().decode(await bundleAgent());
  assert.match(code, /createHash/);
  // What the three begin with: RFC 3174 §6.1, FIPS 180-4 §4.2.2 as roots of primes, RFC 1321 §3.3.
  assert.doesNotMatch(code, /3285377520/);
  assert.doesNotMatch(code, /Math\.cbrt/);
  assert.match(code, /Math\.sin/);
});
