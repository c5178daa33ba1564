import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedRights } from './changed-rights.ts';

const eye = { role: 'viewer', streams: ['gate', 'yard'] } as const;

test('only what was changed is sent, so that two who change a user at once do not undo each other', () => {
  assert.deepEqual(changedRights(eye, { ...eye, streams: ['yard', 'gate'] }), {});
  assert.deepEqual(changedRights(eye, { ...eye, role: 'operator' }), { role: 'operator' });
  assert.deepEqual(changedRights(eye, { ...eye, streams: ['gate'] }), { streams: ['gate'] });
  assert.deepEqual(changedRights(eye, { ...eye, streams: null }), { streams: null });
});
