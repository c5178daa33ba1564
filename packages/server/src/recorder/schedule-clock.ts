import { type WeekDay, type WeeklySchedule, weekDays } from '../config/weekly-schedule.ts';

const minuteMs = 60_000;
const dayMinutes = 1440;
const weekMinutes = 7 * dayMinutes;
/** Somewhere in so long lies a week in which no clock is set: each minute that a schedule knows comes. */
const horizonMs = 15 * dayMinutes * minuteMs;

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
    const before = this.at(ms);
    let fromMs = Math.floor(ms / minuteMs) * minuteMs;
    for (const endMs = fromMs + horizonMs; fromMs < endMs; ) {
      const untilMs = this.#setMs(fromMs, fromMs + dayMinutes * minuteMs);
      const minute = this.#edgeWithin(this.#localMinute(fromMs), (untilMs - fromMs) / minuteMs, before);
      if (minute !== undefined) return fromMs + minute * minuteMs;
      if (this.at(untilMs) !== before) return untilMs;
      fromMs = untilMs;
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

  /** How many minutes after local minute `now`, fewer than `count`, it says something else than `before`. */
  #edgeWithin(now: number, count: number, before: Scheduled): number | undefined {
    let least: number | undefined;
    for (const stretch of this.#stretches) {
      for (const edge of [stretch.from % weekMinutes, stretch.to % weekMinutes]) {
        const wait = (edge - now + weekMinutes) % weekMinutes;
        if (wait > 0 && wait < (least ?? count) && this.#at(edge) !== before) least = wait;
      }
    }
    return least;
  }

  /** When the clock of the zone is first set between two instants; `untilMs` where it is not. */
  #setMs(fromMs: number, untilMs: number): number {
    const offset = this.#offset(fromMs);
    if (this.#offset(untilMs) === offset) return untilMs;
    let [same, other] = [fromMs / minuteMs, untilMs / minuteMs];
    while (other - same > 1) {
      const middle = Math.floor((same + other) / 2);
      if (this.#offset(middle * minuteMs) === offset) same = middle;
      else other = middle;
    }
    return other * minuteMs;
  }

  /** Minutes that the clock of the zone is ahead of UTC, of a week. */
  #offset(ms: number): number {
    return (this.#localMinute(ms) - (Math.floor(ms / minuteMs) % weekMinutes) + weekMinutes) % weekMinutes;
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
