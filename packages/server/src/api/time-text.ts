/** RFC 3339 with milliseconds, UTC, as all answers have times. */
export function toInstant(ms: number): string {
  return new Date(ms).toISOString();
}

/** The same, or null where there is no time. */
export function toInstantOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : toInstant(ms);
}
