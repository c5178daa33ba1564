import { type WeekDay, type WeeklySchedule, weekDays } from '../config/weekly-schedule.ts';

const minuteMs = 60_000;
const dayMinutes = 1440;
const weekMinutes = 7 * dayMinutes;

/** What a schedule says of an instant. */
export type Scheduled = 'continuous' | 'events' | 'off';

interface Stretch {
  /** Minutes since Monday 00:00, local time; `to` may lie beyond Sunday 24:00. */
  readonly from: number;
  readonly to: number;
  readonly record: 'continuous' | 'events';
}

const formats = new Map<string, Intl.DateTimeFormat>();
const maxFormats = 64;

/**
 * Reads one schedule by the wall clock of its time zone. An hour that the clock skips in spring is not there to be
 * recorded; one that it repeats in autumn is recorded twice, so no instant of a range is ever missed.
 */
export class ScheduleClock {
  readonly schedule: WeeklySchedule;
  readonly #stretches: readonly Stretch[];
  readonly #format: Intl.DateTimeFormat;

  constructor(schedule: WeeklySchedule) {
    this.schedule = schedule;
    this.#format = formatOf(schedule.timeZone);
    this.#stretches = schedule.ranges.flatMap(({ days, from, to, record }) =>
      days.map((day): Stretch => {
        const midnight = weekDays.indexOf(day) * dayMinutes;
        const begin = minutesOf(from);
        const end = minutesOf(to);
        return { from: midnight + begin, to: midnight + (end <= begin ? end + dayMinutes : end), record };
      }),
    );
  }

  /** What it says of an instant, ms since 1970 UTC. */
  at(ms: number): Scheduled {
    return this.#at(this.#localMinute(ms));
  }

  /** When it next says something else; undefined where it never does. */
  nextChangeMs(ms: number): number | undefined {
    const now = this.#localMinute(ms);
    const before = this.#at(now);
    const edges = new Set(this.#stretches.flatMap(({ from, to }) => [from % weekMinutes, to % weekMinutes]));
    const waits = [...edges].map((edge) => (edge - now + weekMinutes) % weekMinutes || weekMinutes);
    for (const wait of waits.sort((a, b) => a - b)) {
      const atMs = this.#instant(ms, (now + wait) % weekMinutes, wait);
      if (this.at(atMs) !== before) return atMs;
    }
    return undefined;
  }

  #at(minute: number): Scheduled {
    let found: Scheduled = 'off';
    for (const { from, to, record } of this.#stretches) {
      const inside = (minute >= from && minute < to) || (minute + weekMinutes >= from && minute + weekMinutes < to);
      if (!inside) continue;
      if (record === 'continuous') return record;
      found = record;
    }
    return found;
  }

  /** The instant `wait` minutes on by the wall clock, at which that shows `wanted`: off by an hour where it is set between. */
  #instant(ms: number, wanted: number, wait: number): number {
    const guessMs = Math.floor(ms / minuteMs) * minuteMs + wait * minuteMs;
    let off = (this.#localMinute(guessMs) - wanted + weekMinutes) % weekMinutes;
    if (off > weekMinutes / 2) off -= weekMinutes;
    const atMs = guessMs - off * minuteMs;
    // Where the clock skips the minute, the guess before the correction is the instant of the skip or just after it.
    return atMs > ms && this.#localMinute(atMs) === wanted ? atMs : guessMs;
  }

  #localMinute(ms: number): number {
    let day = 0;
    let minute = 0;
    for (const { type, value } of this.#format.formatToParts(ms)) {
      if (type === 'weekday') day = weekDays.indexOf(value.toLowerCase() as WeekDay);
      else if (type === 'hour') minute += Number(value) * 60;
      else if (type === 'minute') minute += Number(value);
    }
    return day * dayMinutes + minute;
  }
}

function minutesOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

function formatOf(timeZone: string | undefined): Intl.DateTimeFormat {
  const known = formats.get(timeZone ?? '');
  if (known !== undefined) return known;
  if (formats.size >= maxFormats) formats.clear();
  const format = new Intl.DateTimeFormat('en-US', {
    ...(timeZone !== undefined && { timeZone }),
    hourCycle: 'h23',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  formats.set(timeZone ?? '', format);
  return format;
}
