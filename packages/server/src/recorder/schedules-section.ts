import { z } from 'zod';
import { costsNothing } from '../config/change-cost.ts';
import type { RootSection } from '../config/types.ts';
import {
  type ScheduleKeys,
  scheduleName,
  scheduleShape,
  toSchedule,
  type WeeklySchedule,
} from '../config/weekly-schedule.ts';

/** Schedules of one file. */
const maxSchedules = 200;

/** `[[schedules]]`: weeks that cameras are recorded by. */
export const schedulesSection: RootSection = {
  name: 'schedules',
  place: 'root',
  schema: z
    .array(z.strictObject({ name: scheduleName, ...scheduleShape }))
    .max(maxSchedules)
    .default([])
    .meta(costsNothing),
};

/** The schedules of a configuration. */
export function scheduleSettings(sections: Readonly<Record<string, unknown>>): readonly WeeklySchedule[] {
  return ((sections[schedulesSection.name] ?? []) as readonly ScheduleKeys[]).map(toSchedule);
}
