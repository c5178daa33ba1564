import { WatchpostError } from '@watchpost/base/errors.ts';

/** A `Range` header (RFC 2326 §12.29): wall clock (§3.7), or seconds from the beginning (§3.6). */
export interface RtspRange {
  readonly unit: 'clock' | 'npt';
  readonly startMs?: number;
  readonly endMs?: number;
  /** It begins at `now`, the present of a live event; then `startMs` is missing. */
  readonly fromNow?: true;
}

const maxSeconds = 1e10;

/**
 * Reads a `Range`; both ends may be open, and `;time=` is passed over. Times are ms since 1970 UTC, or since the beginning.
 * Throws `malformed` (`RTSP_RANGE_INVALID`).
 */
export function parseRange(text: string): RtspRange {
  const match = /^\s*(clock|npt)\s*=\s*([^;-]*)-([^;-]*)(?:;.*)?$/i.exec(text);
  if (!match) throw invalid(text);
  const unit = match[1]!.toLowerCase() as RtspRange['unit'];
  const parse = unit === 'clock' ? parseClock : parseNpt;
  const [start, end] = [match[2]!.trim(), match[3]!.trim()];
  return {
    unit,
    ...startOf(start, parse, text),
    ...(end !== '' && { endMs: parse(end) ?? fail(text) }),
  };
}

/** The range as a header or `a=range`. */
export function writeRange({ unit, startMs, endMs, fromNow }: RtspRange): string {
  const write = unit === 'clock' ? writeClock : writeNpt;
  const text = (ms: number | undefined) => (ms === undefined ? '' : write(ms));
  return `${unit}=${fromNow ? 'now' : text(startMs)}-${text(endMs)}`;
}

/** `20261120T114900.44Z`, as ms since 1970 UTC; undefined for what is no such time. */
export function parseClock(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/i.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction = ''] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? undefined : ms + Math.round(Number(`0${fraction}`) * 1000);
}

function writeClock(ms: number): string {
  return new Date(Math.round(ms)).toISOString().replaceAll(/[-:]/g, '');
}

function parseNpt(text: string): number | undefined {
  const match = /^(?:(\d{1,6}):([0-5]?\d):)?(\d{1,11}(?:\.\d{0,9})?)$/.exec(text);
  if (!match) return undefined;
  const seconds = Number(match[1] ?? 0) * 3600 + Number(match[2] ?? 0) * 60 + Number(match[3]);
  return seconds <= maxSeconds ? seconds * 1000 : undefined;
}

function writeNpt(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function startOf(start: string, parse: typeof parseNpt, text: string): Pick<RtspRange, 'startMs' | 'fromNow'> {
  if (start === '') return {};
  return start.toLowerCase() === 'now' ? { fromNow: true } : { startMs: parse(start) ?? fail(text) };
}

function fail(text: string): never {
  throw invalid(text);
}

function invalid(text: string): WatchpostError {
  return new WatchpostError(`"${text.slice(0, 80)}" is no range — write "clock=20261120T114900Z-" or "npt=12.5-"`, {
    kind: 'malformed',
    code: 'RTSP_RANGE_INVALID',
  });
}
