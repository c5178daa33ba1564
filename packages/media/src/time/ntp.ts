/** Milliseconds from 1900, where NTP era 0 begins, to 1970 (RFC 5905 §6). */
const ntpToUnixMs = 2_208_988_800_000;
const eraMs = 0x1_0000_0000 * 1000;

/**
 * NTP 64 (RFC 5905 §6: seconds since 1900 and 2^-32 fractions) as milliseconds since 1970 UTC, with fractions. Seconds
 * without the top bit are of era 1 (from 2036 on), as RFC 4330 §3 has it, unless both words are 0: "unknown", which is
 * `undefined`.
 */
export function ntpToMs(seconds: number, fraction: number): number | undefined {
  if (seconds === 0 && fraction === 0) return undefined;
  const era = seconds >= 0x8000_0000 ? 0 : eraMs;
  return seconds * 1000 + (fraction * 1000) / 0x1_0000_0000 - ntpToUnixMs + era;
}

/** The words of an NTP 64 timestamp. */
export interface NtpTimestamp {
  /** Seconds of the era, 0…2^32-1. */
  readonly seconds: number;
  /** 2^-32 s, 0…2^32-1. */
  readonly fraction: number;
}

/** Milliseconds since 1970 UTC as NTP 64 (RFC 5905 §6), for sender reports; any year from 1900 on. */
export function msToNtp(unixMs: number): NtpTimestamp {
  const ms = unixMs + ntpToUnixMs;
  let seconds = Math.floor(ms / 1000);
  let fraction = Math.round(((ms - seconds * 1000) * 0x1_0000_0000) / 1000);
  if (fraction >= 0x1_0000_0000) {
    fraction = 0;
    seconds++;
  }
  return { seconds: seconds >>> 0 === seconds ? seconds : seconds % 0x1_0000_0000, fraction };
}
