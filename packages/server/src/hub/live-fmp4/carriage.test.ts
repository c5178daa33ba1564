import assert from 'node:assert/strict';
import test from 'node:test';
import type { CodecName, Track } from '@watchpost/media/types.ts';
import { carriageOf, leftOut, liveMimeCodec } from './carriage.ts';

function track(codec: CodecName, kind: Track['kind'] = 'audio'): Track {
  return { id: 0, kind, codec, clockRate: 8000, parameterSets: [] };
}

const cases: readonly [Track, ReturnType<typeof carriageOf>, string | null][] = [
  [track('h264', 'video'), 'as-is', null],
  [track('mjpeg', 'video'), 'none', null],
  [track('pcma'), 'flac', 'fLaC'],
  [track('pcmu'), 'flac', 'fLaC'],
  [track('l16'), 'flac', 'fLaC'],
  [track('opus'), 'as-is', 'Opus'],
  [track('g726'), 'none', null],
  [track('h264', 'data'), 'none', null],
];

for (const [one, carriage, mime] of cases) {
  test(`${one.kind} ${one.codec} is carried: ${carriage}`, () => {
    assert.equal(carriageOf(one), carriage);
    assert.equal(liveMimeCodec(one), mime);
  });
}

test('what is left out comes with a reason', () => {
  const out = leftOut([track('h264', 'video'), track('g726')]);
  assert.deepEqual(out, [
    { output: 'fmp4', codec: 'g726', reason: 'G.726 is not decoded: set the camera to AAC or G.711' },
  ]);
});
