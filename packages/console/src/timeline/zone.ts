const formatters = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();
const bucketMs = 15 * 60_000;

/** A day of the calendar. `month` counts from 1. */
export interface CalendarDay {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Local time minus UTC at an instant, ms. Zones change their offset on the quarter of an hour, so quarters are remembered. */
export function zoneOffsetMs(ms: number, timeZone: string): number {
  const bucket = Math.floor(ms / bucketMs);
  const key = `${timeZone}|${bucket}`;
  let offset = offsets.get(key);
  if (offset === undefined) {
    if (offsets.size > 20_000) offsets.clear();
    offset = computeOffset(bucket * bucketMs, timeZone);
    offsets.set(key, offset);
  }
  return offset;
}

function computeOffset(ms: number, timeZone: string): number {
  let formatter = formatters.get(timeZone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(timeZone, formatter);
  }
  const parts: Record<string, number> = {};
  for (const { type, value } of formatter.formatToParts(ms)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - ms;
}

/** The day that an instant lies in. */
export function dayOf(ms: number, timeZone: string): CalendarDay {
  const local = new Date(ms + zoneOffsetMs(ms, timeZone));
  return { year: local.getUTCFullYear(), month: local.getUTCMonth() + 1, day: local.getUTCDate() };
}

/** `YYYY-MM-DD` */
export function dayText(day: CalendarDay): string {
  return `${String(day.year).padStart(4, '0')}-${String(day.month).padStart(2, '0')}-${String(day.day).padStart(2, '0')}`;
}

/** The day some days later (or earlier, where negative). */
export function addDays(day: CalendarDay, days: number): CalendarDay {
  const moved = new Date(Date.UTC(day.year, day.month - 1, day.day + days));
  return { year: moved.getUTCFullYear(), month: moved.getUTCMonth() + 1, day: moved.getUTCDate() };
}

/** First instant of a day and first instant of the next: 23, 24 or 25 hours, also where clocks change at midnight. */
export function dayBounds(day: CalendarDay, timeZone: string): { startMs: number; endMs: number } {
  return { startMs: startOfDay(day, timeZone), endMs: startOfDay(addDays(day, 1), timeZone) };
}

function startOfDay(day: CalendarDay, timeZone: string): number {
  const midnight = Date.UTC(day.year, day.month - 1, day.day);
  let before = (midnight - 16 * 3_600_000) / bucketMs;
  let after = (midnight + 16 * 3_600_000) / bucketMs;
  // The first quarter of an hour whose local date is the day or later; local dates never go back.
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    const local = middle * bucketMs + zoneOffsetMs(middle * bucketMs, timeZone);
    if (local >= midnight) after = middle;
    else before = middle;
  }
  return after * bucketMs;
}

/** Milliseconds since the local midnight as a clock on the wall shows it. */
export function wallClockMs(ms: number, timeZone: string): number {
  const local = ms + zoneOffsetMs(ms, timeZone);
  return ((local % 86_400_000) + 86_400_000) % 86_400_000;
}
