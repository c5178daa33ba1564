import { domainToASCII } from 'node:url';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import { z } from 'zod';
import { type BindAddress, parseBind } from '../net/bind-address.ts';
import { costsNothing } from './change-cost.ts';
import type { DiskShare } from './types.ts';

const SECONDS_OF: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
const BYTES_OF: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Seconds of `10`, `"250ms"`, `"10s"`, `"5m"`, `"7d"`; undefined for anything else. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(value.trim()) : null;
  return match ? Number(match[1]) * SECONDS_OF[match[2] ?? 's']! : undefined;
}

/** Bytes of `1048576`, `"16MB"` (10⁶), `"2GiB"` (2³⁰); undefined for anything else. */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([kmgt]?i?b)?$/i.exec(value.trim()) : null;
  if (!match) return undefined;
  const bytes = Math.round(Number(match[1]) * (BYTES_OF[(match[2] ?? 'b').toLowerCase()] ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const unitWords: readonly (readonly [words: RegExp, unit: string])[] = [
  [/^(ms|msecs?|millis|milliseconds?)$/, 'ms'],
  [/^(s|secs?|seconds?)$/, 's'],
  [/^(m|mins?|minutes?)$/, 'm'],
  [/^(h|hrs?|hours?)$/, 'h'],
  [/^(d|days?)$/, 'd'],
];

/** A duration as people write it elsewhere, in our words: `"1 hour"`, `"00:05:00"`. */
function meantDuration(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const clock = /^(\d+):(\d\d):(\d\d)$/.exec(value.trim());
  if (clock) return `${Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3])}s`;
  const [, number, word = ''] = /^(\d+(?:[.,]\d+)?)\s*([a-z]+)\.?$/i.exec(value.trim()) ?? [];
  const unit = unitWords.find(([words]) => words.test(word.toLowerCase()))?.[1];
  if (number !== undefined && /^w(eeks?)?$/i.test(word)) return `${Number(number.replace(',', '.')) * 7}d`;
  return number === undefined || unit === undefined ? undefined : `${number.replace(',', '.')}${unit}`;
}

/** A size as people write it elsewhere, in our words: `"16M"`, `"2 gigabytes"`. */
function meantSize(value: unknown): string | undefined {
  const match = typeof value === 'string' ? /^(\d+(?:[.,]\d+)?)\s*([kmgt])([a-z]*)$/i.exec(value.trim()) : null;
  if (!match || !/^(|b|ib|bytes?|(ilo|ega|iga|era)(bytes?)?)$/i.test(match[3]!)) return undefined;
  return `${match[1]!.replace(',', '.')}${match[2]!.toUpperCase()}${/^ib$/i.test(match[3]!) ? 'iB' : 'B'}`;
}

function notADuration(value: unknown): string {
  const meant = meantDuration(value);
  const cure = meant === undefined ? 'write seconds, or "250ms", "10s", "5m", "7d"' : `did you mean "${meant}"?`;
  return `${show(value)} is not a duration — ${cure}`;
}

function notASize(value: unknown): string {
  const meant = meantSize(value);
  const cure = meant === undefined ? 'write bytes, or "16MB", "2GB", "1TiB"' : `did you mean "${meant}"?`;
  return `${show(value)} is not a size — ${cure}`;
}

function secondsBetween(min: number, max: number): string {
  const unit = (count: number) => `${count} second${count === 1 ? '' : 's'}`;
  if (max === Number.MAX_SAFE_INTEGER) return `at least ${unit(min)}`;
  return min === 0 ? `at most ${unit(max)}` : `${min} to ${unit(max)}`;
}

/** A key that takes a duration; its value in seconds. `min` and `max` are seconds, inclusive. */
export function duration(range: { min?: number; max?: number } = {}) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = range;
  const textOrNumber = z.union([z.string(), z.number()], { error: ({ input }) => notADuration(input) });
  return textOrNumber.transform((value, context) => {
    const seconds = parseDuration(value);
    if (seconds !== undefined && seconds >= min && seconds <= max) return seconds;
    const text =
      seconds === undefined
        ? notADuration(value)
        : `${show(value)} is out of range — it may be ${secondsBetween(min, max)}`;
    context.issues.push({ code: 'custom', message: text, input: value });
    return z.NEVER;
  });
}

/** A key that takes a size in bytes. */
export function size(range: { min?: number } = {}) {
  const textOrNumber = z.union([z.string(), z.number()], { error: ({ input }) => notASize(input) });
  return textOrNumber.transform((value, context) => {
    const bytes = parseSize(value);
    if (bytes !== undefined && bytes >= (range.min ?? 0)) return bytes;
    const text = bytes === undefined ? notASize(value) : `${show(value)} is too small — at least ${range.min} bytes`;
    context.issues.push({ code: 'custom', message: text, input: value });
    return z.NEVER;
  });
}

/** A key that takes a size in bytes, of `minBytes` or more, or per cent of the disk. */
export function diskShare({ minBytes = 0 }: { minBytes?: number } = {}) {
  return z.union([z.string(), z.number()]).transform((value, context): DiskShare => {
    const percent = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*%$/.exec(value.trim()) : null;
    if (percent && Number(percent[1]) <= 90) return { percent: Number(percent[1]) };
    const bytes = percent ? undefined : parseSize(value);
    if (bytes !== undefined && bytes >= minBytes) return { bytes };
    const meant = meantSize(value);
    const other = meant === undefined ? 'write "5%" of the disk, bytes, or "20GB"' : `did you mean "${meant}"?`;
    const cure = percent ? 'it may be at most "90%"' : other;
    const wrong = `${show(value)} is not a share of a disk — ${cure}`;
    const message = bytes === undefined ? wrong : `${show(value)} is too small — at least ${minBytes} bytes`;
    context.issues.push({ code: 'custom', message, input: value });
    return z.NEVER;
  });
}

/** A key that takes the address of a listener. */
export function bindAddress() {
  const text = z.string({
    error: ({ input }) =>
      typeof input === 'number' ? `${input} is not an address to listen on — write "0.0.0.0:${input}"` : undefined,
  });
  return text.transform((value, context): BindAddress => {
    try {
      return parseBind(value);
    } catch (error) {
      context.issues.push({ code: 'custom', message: toWatchpostError(error).message, input: value });
      return z.NEVER;
    }
  });
}

/** A key that takes the name of a host, `"nvr.example.com"`; in lower case. */
export function hostName() {
  return z.string().transform((value, context): string => {
    const name = domainToASCII(value.trim()).replace(/\.$/, '');
    if (/^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/.test(name) && name.length <= 253) return name;
    const message = `${show(value)} is not the name of a host — write it as "nvr.example.com", without "http://" and port`;
    context.issues.push({ code: 'custom', message, input: value });
    return z.NEVER;
  });
}

/** A key that takes a range of ports, `"10000-20000"`. */
export function portRange() {
  return z.string().transform((value, context): { first: number; last: number } => {
    const match = /^(\d{1,5})\s*-\s*(\d{1,5})$/.exec(value.trim());
    const first = Number(match?.[1]);
    const last = Number(match?.[2]);
    if (match && first > 0 && last <= 65_535 && first < last) return { first, last };
    const message = `${show(value)} is not a range of ports — write "10000-20000", the smaller one first`;
    context.issues.push({ code: 'custom', message, input: value });
    return z.NEVER;
  });
}

/** A value as a message quotes it, cut where it is long. */
export function show(value: unknown): string {
  // JSON has no word for the infinity and "nan" of TOML.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Keys of a protocol that listens with TLS, too. */
export function certificateKeys() {
  const file = (what: string) => z.string().min(1).optional().describe(what).meta(costsNothing);
  return {
    tls_cert: file('PEM file of the certificate; renewed ones are read by themselves'),
    tls_key: file('PEM file of its key'),
  };
}
