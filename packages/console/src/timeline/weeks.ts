import { addDays, type CalendarDay } from './zone.ts';

/** Days of a month as weeks of seven, beginning on Monday; days of the neighbouring months fill up. */
export function weeksOf(year: number, month: number): CalendarDay[][] {
  const first: CalendarDay = { year, month, day: 1 };
  const weekday = (new Date(Date.UTC(year, month - 1, 1)).getUTCDay() + 6) % 7;
  const count = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const weeks: CalendarDay[][] = [];
  for (let day = -weekday; day < count; day += 7) {
    weeks.push(Array.from({ length: 7 }, (_, index) => addDays(first, day + index)));
  }
  return weeks;
}
