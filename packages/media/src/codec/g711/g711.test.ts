import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeG711 } from './decode.ts';
import { encodeG711 } from './encode.ts';

const codes = Uint8Array.from({ length: 256 }, (_, i) => i);

for (const codec of ['pcma', 'pcmu'] as const) {
  test(`${codec}: every code comes back from the sample that it stands for`, () => {
    const back = encodeG711(codec, decodeG711(codec, codes));
    // µ-law has two zeros (ITU-T G.711 table 2b); the positive one is written.
    const expected = codec === 'pcmu' ? codes.map((code) => (code === 0x7f ? 0xff : code)) : codes;
    assert.deepEqual(back, expected);
  });

  test(`${codec}: every sample is coded within half a step of its segment`, () => {
    const all = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768);
    const coded = decodeG711(codec, encodeG711(codec, all));
    for (let i = 0; i < all.length; i++) {
      const sample = all[i]!;
      // A step is a sixteenth of where its segment begins, and 16 at the least.
      const allowed = 8 + Math.abs(sample) / 31;
      assert.ok(Math.abs(coded[i]! - sample) <= allowed, `${sample} → ${coded[i]}`);
    }
  });
}
