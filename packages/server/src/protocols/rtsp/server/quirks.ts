/** A kind of client that wants something special, by what it says it is. */
export interface ClientQuirk {
  readonly userAgent: RegExp;
  /** Answers to a publisher's SETUP wait for so long. */
  readonly recordSetupDelayMs: number;
}

const quirks: readonly ClientQuirk[] = [
  // rtspclientsink up to 1.26: it gets ready for the answer only after it has sent the request, and may miss a fast one.
  { userAgent: /^GStreamer\//, recordSetupDelayMs: 1000 },
];

/** How long the answer to a publisher's SETUP must wait. */
export function recordSetupDelayMs(userAgent: string | undefined): number {
  return quirks.find((quirk) => quirk.userAgent.test(userAgent ?? ''))?.recordSetupDelayMs ?? 0;
}
