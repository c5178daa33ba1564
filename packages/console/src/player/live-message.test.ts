import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLiveMessage } from './live-message.ts';

const cases: readonly [string, unknown][] = [
  [
    '{"type":"init","mime":"video/mp4; codecs=\\"avc1.64001f\\""}',
    { type: 'init', mime: 'video/mp4; codecs="avc1.64001f"' },
  ],
  ['{"type":"init"}', null],
  ['{"type":"discontinuity"}', { type: 'discontinuity' }],
  ['{"type":"clock","wall_ms":1700000000000,"pts":1.5}', { type: 'clock', wallMs: 1_700_000_000_000, ptsSeconds: 1.5 }],
  ['{"type":"clock","wall_ms":"x","pts":1}', null],
  ['{"type":"offline"}', { type: 'offline', reason: null }],
  [
    '{"type":"offline","reason":{"kind":"timeout","code":"T","message":"m"}}',
    { type: 'offline', reason: { kind: 'timeout', code: 'T', message: 'm' } },
  ],
  ['{"type":"error","code":"X","message":"why"}', { type: 'error', code: 'X', message: 'why' }],
  ['{"type":"news"}', null],
  ['not json', null],
  ['null', null],
];

for (const [text, expected] of cases) {
  test(`reads ${text}`, () => assert.deepEqual(parseLiveMessage(text), expected));
}
