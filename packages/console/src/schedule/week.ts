import type { ScheduleRange } from '../api/types.ts';

/** Days as the API names them, Monday first. */
export const weekDays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** What is recorded in a minute. */
export type Mode = ScheduleRange['record'] | 'off';

/** Minutes of a day. */
export const dayMinutes = 1440;

/** What is recorded in each minute of the week, from Monday 00:00 of the schedule's own time zone. */
export type Week = readonly Mode[];

/** A stretch of one day with one mode; minutes since midnight. */
export interface Run {
  readonly from: number;
  readonly to: number;
  readonly mode: ScheduleRange['record'];
}

/** Nothing is recorded. */
export const emptyWeek: Week = Array<Mode>(7 * dayMinutes).fill('off');

/** The week that the ranges make; where they overlap, always counts before events. */
export function weekOf(ranges: readonly ScheduleRange[]): Week {
  const week = [...emptyWeek];
  for (const record of ['events', 'continuous'] as const)
    for (const range of ranges) {
      if (range.record !== record) continue;
      const from = minuteOf(range.from);
      const to = minuteOf(range.to);
      const length = to > from ? to - from : to - from + dayMinutes;
      for (const name of range.days) {
        const begin = weekDays.indexOf(name) * dayMinutes + from;
        for (let minute = begin; minute < begin + length; minute++) week[minute % week.length] = record;
      }
    }
  return week;
}

/** The ranges that make the week: none passes midnight; days that are alike share theirs. */
export function rangesOf(week: Week): ScheduleRange[] {
  const found = new Map<string, ScheduleRange>();
  for (const [day, name] of weekDays.entries())
    for (const run of runsOf(week, day)) {
      const [from, to] = [timeText(run.from), timeText(run.to)];
      const key = `${from} ${to} ${run.mode}`;
      const range = found.get(key) ?? { days: [], from, to, record: run.mode };
      range.days.push(name);
      found.set(key, range);
    }
  return [...found.values()];
}

/** Whether two schedules record the same; both may be missing. */
export function isSameWeek(a: WeekRule | undefined, b: WeekRule | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [first, second] = [weekOf(a.ranges), weekOf(b.ranges)];
  return a.time_zone === b.time_zone && first.every((mode, minute) => mode === second[minute]);
}

/** What is recorded when, by the clock of a time zone. */
interface WeekRule {
  readonly ranges: readonly ScheduleRange[];
  readonly time_zone: string | null;
}

/** What is recorded on a day (0 is Monday). */
export function runsOf(week: Week, day: number): Run[] {
  const runs: Run[] = [];
  const begin = day * dayMinutes;
  let from = 0;
  for (let minute = 1; minute <= dayMinutes; minute++) {
    const mode = week[begin + from] ?? 'off';
    if (minute < dayMinutes && week[begin + minute] === mode) continue;
    if (mode !== 'off') runs.push({ from, to: minute, mode });
    from = minute;
  }
  return runs;
}

/** A rectangle of the week, both corners included: days (0 is Monday) and minutes. */
export interface Area {
  readonly days: readonly [number, number];
  readonly from: number;
  readonly to: number;
}

/** The week with a rectangle of it in another mode. */
export function paint(week: Week, area: Area, mode: Mode): Week {
  const [first, last] = [Math.min(...area.days), Math.max(...area.days)];
  return week.map((known, minute) => {
    const day = Math.floor(minute / dayMinutes);
    const at = minute % dayMinutes;
    return day >= first && day <= last && at >= area.from && at < area.to ? mode : known;
  });
}

/** `HH:MM`; the end of the day is `24:00`. */
export function timeText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

function minuteOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}
