import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stream } from '../api/types.ts';
import { type RecordingEdit, toRecordingEdit, toRecordingPatch } from './recording-edit.ts';

const before = toRecordingEdit({
  ...{ enabled: true, mode: 'continuous', schedule: null, pre_roll: null, post_roll: 10 },
  ...{ retention_days: 7, max_bytes: 5 * 1024 ** 3 },
} as Stream['recording']);

const cases: readonly [string, Partial<RecordingEdit>, Record<string, unknown>][] = [
  ['nothing', {}, {}],
  ['recording off', { mode: 'off' }, { record: false }],
  ['events with pre-roll', { mode: 'events', preRoll: '5' }, { record: 'events', pre_roll: 5 }],
  ['a schedule', { mode: 'schedule', schedule: 'office' }, { record: 'schedule', schedule: 'office' }],
  ['a number that is taken away', { postRoll: '', retentionDays: '' }, { post_roll: null, retention_days: null }],
  ['a quota', { maxGib: '1.5' }, { max_bytes: 1_610_612_736 }],
];
for (const [title, change, expected] of cases)
  test(`only what was changed is sent: ${title}`, () =>
    assert.deepEqual(toRecordingPatch(before, { ...before, ...change }), expected));

test('a camera that is not recorded is shown as such, whatever its mode', () => {
  assert.equal(toRecordingEdit({ enabled: false, mode: 'events', max_bytes: null } as Stream['recording']).mode, 'off');
});
