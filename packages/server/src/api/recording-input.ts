import type { z } from 'zod';
import type { ApiStream } from '../catalog/definitions/stream-definitions.ts';
import { type RecordingRules, type RecordMode, toRules } from '../config/recording-rules.ts';
import { FieldError } from '../net/problem.ts';
import type { ApiDependencies } from './dependencies.ts';
import type { recordingFields } from './schemas/recording-rules.ts';

type Fields = z.output<z.ZodObject<typeof recordingFields>>;

/**
 * Whether and how a stream is recorded: what is given, the rest as before; null takes a rule away. Throws `FieldError`
 * where a schedule is missing or unknown.
 */
export function recordingOf(
  input: Partial<Fields>,
  before: Pick<ApiStream, 'record' | 'recording'>,
  schedules: ApiDependencies['schedules'],
): { record: boolean; recording: RecordingRules | undefined } {
  const known = before.recording;
  const mode = modeOf(input, before);
  const kept = mode === false ? (known?.mode ?? 'continuous') : mode;
  const recording = toRules({
    record: kept,
    schedule: kept === 'schedule' ? chosen(input.schedule, known?.schedule) : undefined,
    pre_roll: chosen(input.pre_roll, known?.preRollSeconds),
    post_roll: chosen(input.post_roll, known?.postRollSeconds),
    max_event: chosen(input.max_event, known?.maxEventSeconds),
    retention_days: chosen(input.retention_days, known?.retentionDays),
    max_bytes: chosen(input.max_bytes, known?.maxBytes),
  });
  if (recording?.mode === 'schedule') {
    const { schedule } = recording;
    if (schedule === undefined) throw new FieldError([{ field: 'schedule', message: 'is missing: name a schedule' }]);
    if (schedules.get(schedule) === undefined)
      throw new FieldError(
        [
          {
            field: 'schedule',
            message: `there is no schedule "${schedule}" — PUT /api/v1/schedules/${schedule} makes it`,
          },
        ],
        'SCHEDULE_NOT_FOUND',
      );
  }
  return { record: mode !== false, recording };
}

function modeOf(
  { record, schedule }: Partial<Fields>,
  before: Pick<ApiStream, 'record' | 'recording'>,
): RecordMode | false {
  if (record === false) return false;
  if (typeof record === 'string') return record;
  if (typeof schedule === 'string') return 'schedule';
  if (schedule === null && before.recording?.mode === 'schedule') return 'continuous';
  const usual = before.recording?.mode ?? 'continuous';
  return record === true || before.record ? usual : false;
}

function chosen<T>(given: T | null | undefined, otherwise: T | undefined): T | undefined {
  return given === null ? undefined : (given ?? otherwise);
}
