import { z } from 'zod';
import { eventLimits } from '../../config/recording-rules.ts';
import { scheduleName, scheduleRangeSchema, scheduleShape } from '../../config/weekly-schedule.ts';

const seconds = ({ min, max }: { readonly min: number; readonly max: number }) =>
  z.number().min(min).max(max).nullable().optional();

/** How a stream is recorded, in what `POST /streams` and `PATCH /streams/{id}` take; null takes a rule away. */
export const recordingFields = {
  record: z
    .union([z.boolean(), z.enum(['continuous', 'events', 'schedule'])])
    .optional()
    .describe('Whether, and when; true: as before, or without a pause'),
  schedule: scheduleName.nullable().optional().describe('Name of a schedule; it is recorded by it'),
  pre_roll: seconds(eventLimits.preRoll).describe('Seconds before an event, as far as memory holds them'),
  post_roll: seconds(eventLimits.postRoll).describe('Seconds after an event'),
  max_event: seconds(eventLimits.maxEvent).describe('Seconds of an event whose end is never told'),
  retention_days: z.number().positive().nullable().optional().describe('Instead of those of the storage'),
  max_bytes: z.int().min(1e7).nullable().optional().describe('The oldest recordings go when the stream has more'),
};

/** What a stream's recording is doing, and by which rules. */
export const recordingSchema = z.object({
  enabled: z.boolean(),
  mode: z.enum(['continuous', 'events', 'schedule']),
  schedule: z.string().nullable(),
  manual: z.boolean().nullable().describe('Switched on or off by hand, whatever the rules say'),
  pre_roll: z.number().nullable().describe('Null: as the configuration says, and so for the rest'),
  post_roll: z.number().nullable(),
  max_event: z.number().nullable(),
  retention_days: z.number().nullable(),
  max_bytes: z.number().nullable(),
  state: z.enum(['off', 'recording', 'waiting', 'error']),
  since: z.string().nullable(),
  reason: z.string().nullable().describe('Why it is not recording, as gaps have it'),
  detail: z.string().nullable().describe('The same for people'),
  cause: z.enum(['continuous', 'schedule', 'event', 'manual']).nullable().describe('Why it is recording'),
  event: z.string().nullable().describe('Kind of the event that is being recorded'),
  next_change: z.string().nullable().describe('When the schedule says something else'),
});

/** A schedule. */
export const scheduleSchema = z
  .object({
    name: z.string(),
    time_zone: z.string().nullable().describe('Null: that of the server'),
    ranges: z.array(scheduleRangeSchema),
    origin: z.enum(['file', 'api']),
    streams: z.array(z.string()).describe('Streams that are recorded by it'),
  })
  .meta({ id: 'Schedule' });

/** `PUT /schedules/{name}` */
export const scheduleInputSchema = z.strictObject(scheduleShape).meta({ id: 'NewSchedule' });

/** `GET /schedules` */
export const scheduleListSchema = z.object({ schedules: z.array(scheduleSchema) }).meta({ id: 'ScheduleList' });

/** `POST /streams/{id}/events` */
export const newEventSchema = z
  .strictObject({
    type: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,39}$/, 'a word such as "motion" or "door_open"')
      .default('motion')
      .describe('What happens; the event is `alarm.TYPE`'),
    state: z
      .enum(['begin', 'end', 'pulse'])
      .default('pulse')
      .describe('`begin` lasts until an `end` of the same type, or `max_event`; `pulse` is over after `duration`'),
    duration: z.number().min(0).max(86_400).optional().describe('Seconds, of a pulse'),
    message: z.string().max(500).optional().describe('For people'),
  })
  .meta({ id: 'NewEvent' });

/** Answer of `POST /streams/{id}/events`. */
export const takenEventSchema = z
  .object({ recorded: z.boolean().describe('It is recorded because of this'), recording: recordingSchema })
  .meta({ id: 'TakenEvent' });
