import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfText, unpackPart } from '../platform/node-part.ts';
import { bundleAgent } from './bundle.ts';
import { textOfBytes } from './packed-part.ts';

test('bytes become text that a string of JavaScript takes as it is, and come back', () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * i * 2_654_435_761) >>> 13);
  bytes.fill(0xff, 0, 8);
  const text = textOfBytes(bytes);
  assert.equal(text.length, bytes.length * 1.25);
  assert.match(text, /^[(-[\]-_a-~]+$/, 'no "\\", no "`", and nothing below "("');
  assert.deepEqual(bytesOfText(text), bytes);
  assert.equal(new Set(text).size, 85);
});

for (const length of [0, 1, 2, 3, 4, 5])
  test(`${length} bytes are filled up with zeros to whole words`, () => {
    const bytes = Uint8Array.from({ length }, (_, i) => 250 + i);
    const back = bytesOfText(textOfBytes(bytes));
    assert.deepEqual([...back], [...bytes, 0, 0, 0].slice(0, Math.ceil(length / 4) * 4));
  });

test('the part is loaded before it is given what it shares, and is what the agent asks it for', async () => {
  const code = new TextDecoder().decode(await bundleAgent());
  const packed = /\?\?=\w+\(`([^`]{10000,})`,\[/.exec(code)?.[1];
  const part = await unpackPart<typeof import('../publish/rtmp-session.ts') & { share(): void }>(packed!, []);
  assert.equal(typeof part.RtmpSession, 'function');
});
