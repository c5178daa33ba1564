import { FieldError } from '../net/problem.ts';

const dayMs = 24 * 3_600_000;

/** A day of a time zone: 23 to 25 hours. */
export interface Day {
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly startMs: number;
  /** The beginning of the next one. */
  readonly endMs: number;
}

/** The days from `from` to `to` (both `YYYY-MM-DD`, both inclusive) in an IANA time zone. Throws `FieldError`. */
export function daysBetween(
  from: string,
  to: string,
  options: { readonly timeZone: string; readonly maxDays: number },
): Day[] {
  const first = parseDay('from', from);
  const last = parseDay('to', to);
  if (last < first) throw new FieldError([{ field: 'to', message: 'is before "from"' }]);
  const count = Math.round((last - first) / dayMs) + 1;
  if (count > options.maxDays)
    throw new FieldError([{ field: 'to', message: `at most ${options.maxDays} days at once` }]);
  const format = formatOf(options.timeZone);
  const starts = Array.from({ length: count + 1 }, (_, index) => midnightOf(first + index * dayMs, format));
  return Array.from({ length: count }, (_, index) => ({
    day: new Date(first + index * dayMs).toISOString().slice(0, 10),
    startMs: starts[index]!,
    endMs: starts[index + 1]!,
  }));
}

/** The day of `ms` in a time zone, `YYYY-MM-DD`. */
export function dayOf(ms: number, timeZone: string): string {
  return new Date(ms + offsetAt(ms, formatOf(timeZone))).toISOString().slice(0, 10);
}

function parseDay(field: string, text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text)
    throw new FieldError([{ field, message: 'a day is written "2026-02-11"' }]);
  return ms;
}

/**
 * The instant at which the wall clock of the zone first shows the day. Only two offsets are possible, that of the day before
 * and that of the day after; where the clock skips midnight (Beirut, Havana), the day begins at the skip.
 */
function midnightOf(utcMidnightMs: number, format: Intl.DateTimeFormat): number {
  const before = offsetAt(utcMidnightMs - dayMs, format);
  const after = offsetAt(utcMidnightMs + dayMs, format);
  const candidates = [utcMidnightMs - before, utcMidnightMs - after].sort((a, b) => a - b);
  return candidates.find((ms) => ms + offsetAt(ms, format) >= utcMidnightMs) ?? candidates[1]!;
}

function offsetAt(ms: number, format: Intl.DateTimeFormat): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(ms)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new FieldError([
      { field: 'tz', message: `"${timeZone}" is not a time zone — write it as "Europe/Moscow" or "UTC"` },
    ]);
  }
}
