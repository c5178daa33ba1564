import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePlay } from './server-play.ts';

const play = (...headers: readonly (readonly [string, string])[]) =>
  parsePlay({ method: 'PLAY', url: 'rtsp://192.0.2.1/recordings/gate', headers } as never);

test('a PLAY of recordings says which pictures it wants', () => {
  for (const [frames, keysOnly, keyIntervalMs] of [
    ['intra', true, undefined],
    ['Intra/4000', true, 4000],
    [' intra / 250 ', true, 250],
    ['intra/soon', true, undefined],
    ['predicted', false, undefined],
    ['all', false, undefined],
  ] as const) {
    const asked = play(['Frames', frames]);
    assert.deepEqual([asked.keysOnly, asked.keyIntervalMs], [keysOnly, keyIntervalMs], frames);
  }
  assert.equal(play().keysOnly, false);
});
