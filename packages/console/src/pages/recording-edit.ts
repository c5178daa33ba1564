import type { Stream } from '../api/types.ts';

/** Ways to record, as the form has them. */
export const recordingModes = ['off', 'continuous', 'events', 'schedule'] as const;

/** When a camera is recorded, as people type it; an empty number is that of the server. */
export interface RecordingEdit {
  readonly mode: (typeof recordingModes)[number];
  readonly schedule: string;
  readonly preRoll: string;
  readonly postRoll: string;
  readonly retentionDays: string;
  readonly maxGib: string;
}

const gib = 1024 ** 3;

/** The rules of a camera as a form shows them. */
export function toRecordingEdit(recording: Stream['recording']): RecordingEdit {
  const text = (value: number | null) => (value === null ? '' : String(value));
  return {
    mode: recording.enabled ? recording.mode : 'off',
    schedule: recording.schedule ?? '',
    preRoll: text(recording.pre_roll),
    postRoll: text(recording.post_roll),
    retentionDays: text(recording.retention_days),
    maxGib: text(recording.max_bytes === null ? null : Math.round((recording.max_bytes / gib) * 100) / 100),
  };
}

/** What of the rules was changed, as the API takes it. */
export function toRecordingPatch(before: RecordingEdit, after: RecordingEdit): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  if (after.mode !== before.mode) patch['record'] = after.mode === 'off' ? false : after.mode;
  if (after.mode === 'schedule' && (after.schedule !== before.schedule || after.mode !== before.mode))
    patch['schedule'] = after.schedule;
  const numbers = { preRoll: 'pre_roll', postRoll: 'post_roll', retentionDays: 'retention_days' } as const;
  for (const [field, key] of Object.entries(numbers) as [keyof typeof numbers, string][])
    if (after[field] !== before[field]) patch[key] = after[field] === '' ? null : Number(after[field]);
  if (after.maxGib !== before.maxGib)
    patch['max_bytes'] = after.maxGib === '' ? null : Math.round(Number(after.maxGib) * gib);
  return patch;
}
