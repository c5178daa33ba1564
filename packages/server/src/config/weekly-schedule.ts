import { z } from 'zod';

/** Days of a week, Monday first. */
export const weekDays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** A day of the week. */
export type WeekDay = (typeof weekDays)[number];

/** A stretch of each of its days; where `to` is not later than `from`, it ends on the day after. */
export interface ScheduleRange {
  readonly days: readonly WeekDay[];
  /** Local time, `HH:MM`. */
  readonly from: string;
  /** Local time, `HH:MM`, not included; `24:00` is the end of the day. */
  readonly to: string;
  readonly record: 'continuous' | 'events';
}

/** When to record, week after week. */
export interface WeeklySchedule {
  readonly name: string;
  /** IANA name; that of the machine where it is missing. */
  readonly timeZone?: string;
  /** They may overlap; `continuous` counts before `events`. */
  readonly ranges: readonly ScheduleRange[];
}

/** Ranges of one schedule. */
const maxRanges = 64;

const time = (last: RegExp, text: string) => z.string().regex(last, text);

/** A range as file and API write it. */
export const scheduleRangeSchema = z
  .strictObject({
    days: z
      .array(z.enum(weekDays))
      .min(1)
      .max(7)
      .default([...weekDays])
      .describe('those it begins on; all where it is missing'),
    from: time(/^([01]\d|2[0-3]):[0-5]\d$/, 'write a time of day as "07:30"').describe('local time'),
    to: time(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'write a time of day as "19:00", or "24:00"').describe(
      'local time; not later than from: on the day after',
    ),
    record: z.enum(['continuous', 'events']).default('continuous').describe('always, or while something happens'),
  })
  .superRefine((range, context) => {
    if (range.from !== range.to) return;
    const message = 'is the same as "from" — a whole day is "00:00" to "24:00"';
    context.addIssue({ code: 'custom', message, path: ['to'] });
  });

/** What a schedule is besides its name. */
export const scheduleShape = {
  time_zone: z
    .string()
    .max(64)
    .refine(isTimeZone, 'is not a time zone — write it as "Europe/Berlin" or "UTC"')
    .optional()
    .describe('IANA name; that of the machine where it is missing'),
  ranges: z.array(scheduleRangeSchema).min(1).max(maxRanges).describe('stretches of the week'),
};

/** Name of a schedule. */
export const scheduleName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'use a-z, 0-9, "_" and "-"')
  .describe('its name');

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** A schedule in the words of file and API. */
export interface ScheduleKeys {
  readonly name: string;
  readonly time_zone?: string | undefined;
  readonly ranges: readonly ScheduleRange[];
}

/** The schedule that the keys say. */
export function toSchedule({ name, time_zone: timeZone, ranges }: ScheduleKeys): WeeklySchedule {
  return { name, ranges, ...(timeZone !== undefined && { timeZone }) };
}
