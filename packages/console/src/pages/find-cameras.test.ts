import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCameras } from './find-cameras.ts';

const cameras = [
  { stream_id: 'gate-1', title: 'Main gate' },
  { stream_id: 'cafe', title: 'Café, counter' },
  { stream_id: 'gate-2', title: 'Ворота' },
];

for (const [words, found] of [
  ['', ['gate-1', 'cafe', 'gate-2']],
  ['  ', ['gate-1', 'cafe', 'gate-2']],
  ['GATE', ['gate-1', 'gate-2']],
  ['gate main', ['gate-1']],
  ['counter cafe', ['cafe']],
  ['ворота', ['gate-2']],
  ['Café', ['cafe']],
  ['gate cafe', []],
] as const)
  test(`cameras found by "${words}"`, () => {
    assert.deepEqual(
      findCameras(cameras, words).map(({ stream_id }) => stream_id),
      found,
    );
  });
