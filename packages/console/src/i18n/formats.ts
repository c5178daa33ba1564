import type { Language } from './messages.ts';
import { translate } from './translate.ts';

const formats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(language: Language, timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language}|${timeZone}|${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(language, { timeZone, hourCycle: 'h23', ...options });
    formats.set(key, format);
  }
  return format;
}

/** Turns numbers and instants into words for one language and time zone. */
export interface Formats {
  /** `14:03:27` */
  time(ms: number): string;
  /** `14:03` */
  clock(ms: number): string;
  /** `Tue, 21 Nov 2026` */
  date(ms: number): string;
  /** `21 Nov, 14:03:27` */
  dateTime(ms: number): string;
  /** `2 h 5 min`, two units at most. */
  duration(ms: number): string;
  bytes(count: number): string;
  bitRate(bitsPerSecond: number): string;
  number(value: number, digits?: number): string;
}

/** Makes the formats of a language and an IANA time zone. */
export function createFormats(language: Language, timeZone: string): Formats {
  const inZone = (options: Intl.DateTimeFormatOptions) => (ms: number) =>
    dateFormat(language, timeZone, options).format(ms);
  const number = (value: number, digits = 1) =>
    new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
  return {
    time: inZone({ hour: '2-digit', minute: '2-digit', second: '2-digit' }),
    clock: inZone({ hour: '2-digit', minute: '2-digit' }),
    date: inZone({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }),
    dateTime: inZone({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' }),
    duration: (ms) => formatDuration(language, ms),
    bytes: (count) => scale(language, count, 1024, ['unit.b', 'unit.kib', 'unit.mib', 'unit.gib', 'unit.tib']),
    bitRate: (bits) => scale(language, bits, 1000, ['unit.bps', 'unit.kbps', 'unit.mbps', 'unit.gbps']),
    number,
  };
}

type UnitKey =
  | 'unit.b'
  | 'unit.kib'
  | 'unit.mib'
  | 'unit.gib'
  | 'unit.tib'
  | 'unit.bps'
  | 'unit.kbps'
  | 'unit.mbps'
  | 'unit.gbps';

function scale(language: Language, value: number, step: number, units: readonly UnitKey[]): string {
  let index = 0;
  let rest = value;
  while (rest >= step && index < units.length - 1) {
    rest /= step;
    index++;
  }
  const digits = index === 0 || rest >= 100 ? 0 : 1;
  const text = new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(rest);
  return translate(language, units[index] ?? 'unit.b', { value: text });
}

function formatDuration(language: Language, ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  // Days of 23, 24 and 25 hours are told apart only in hours.
  const days = seconds < 172_800 ? 0 : Math.floor(seconds / 86_400);
  const parts: readonly [number, 'unit.days' | 'unit.hours' | 'unit.minutes' | 'unit.seconds'][] = [
    [days, 'unit.days'],
    [Math.floor(seconds / 3600) - days * 24, 'unit.hours'],
    [Math.floor(seconds / 60) % 60, 'unit.minutes'],
    [seconds % 60, 'unit.seconds'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return translate(language, 'unit.seconds', { value: 0 });
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => translate(language, unit, { value: count }))
    .join(' ');
}
