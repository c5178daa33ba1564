import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import type { CodecName } from '../types.ts';
import { beginsKeyPicture } from './key-packet.ts';

const cases: [name: string, codec: CodecName, payload: string, begins: boolean][] = [
  ['an IDR slice', 'h264', '65 88 84', true],
  ['a later slice of an IDR picture', 'h264', '65 58 84', false],
  ['a fragment with a later slice of an IDR picture', 'h264', '7c 85 58', false],
  ['a sequence parameter set', 'h264', '67 42 c0', true],
  ['a slice that refers to others', 'h264', '41 9a 00', false],
  ['an aggregate that begins with parameter sets', 'h264', '78 00 02 67 42', true],
  ['an aggregate that begins with an IDR slice', 'h264', '78 00 02 65 88', true],
  ['the first fragment of an IDR', 'h264', '7c 85 88', true],
  ['a later fragment of an IDR', 'h264', '7c 05 88', false],
  ['an IDR of H.265', 'h265', '26 01 af', true],
  ['a video parameter set', 'h265', '40 01 0c', true],
  ['a trailing picture', 'h265', '02 01 d0', false],
  ['a later slice of an IDR of H.265', 'h265', '26 01 2f', false],
  ['the first fragment of a CRA picture', 'h265', '62 01 95 af', true],
  ['the first fragment of a later slice of it', 'h265', '62 01 95 2f', false],
  ['its end', 'h265', '62 01 55', false],
  ['an aggregate with a VPS', 'h265', '60 01 00 10 40 01', true],
  ['anything of audio', 'aac', '00 10', true],
  ['bytes that are cut off', 'h264', '78', false],
];
for (const [name, codec, payload, begins] of cases)
  test(`${name} ${begins ? 'begins' : 'does not begin'} a key picture`, () => {
    const bytes = fromHex(payload);
    assert.equal(beginsKeyPicture(codec, bytes, 0, bytes.length), begins);
  });
