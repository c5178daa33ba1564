import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snapshotOf } from './snapshot-link.ts';

const now = Date.parse('2026-10-25T01:02:03.400Z');
const recorded = {
  href: '/api/v1/recordings/gate/snapshot?time=1792890000000',
  name: 'gate-20261025T010000Z.jpg',
};

test('a picture can be had of a camera that sends or would, and of recordings whatever the camera does', () => {
  const live = { href: '/api/v1/streams/gate/snapshot?mode=decode', name: 'gate-20261025T010203Z.jpg' };
  for (const [state, expected] of [
    ['online', live],
    ['connecting', live],
    ['on_demand', live],
    ['offline', null],
    ['stopped', null],
  ] as const) {
    assert.deepEqual(snapshotOf({ stream_id: 'gate', state }, null, now), expected, state);
    assert.deepEqual(snapshotOf({ stream_id: 'gate', state }, Date.parse('2026-10-25T01:00:00Z'), now), recorded);
  }
});
