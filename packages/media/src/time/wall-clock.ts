/** A step of the machine's clock, not a correction of its pace: somebody set it, or NTP found the time after a start. */
const stepMs = 2000;
/** How fast the anchor follows a machine's clock that is being slewed. */
const maxSlew = 0.0005;
/** Reports further from the arrival than this are of a clock that was never set. */
const maxApartMs = 5000;
/** Samples that were further off are dated by reports again from here on: a recorder follows so little without a new run. */
const closeAgainMs = 1000;
/** 2016-01-01: cameras without a clock begin at 1970 or 2000, later ones at the year of their firmware. */
const saneFromMs = 1_451_606_400_000;

/** The machine's wall clock, anchored to its monotonic one, so that a step is seen and not recorded. */
export class WallAnchor {
  #offsetMs: number | undefined;
  #observedMs = 0;

  /**
   * Compares both clocks, at the same moment; call it once a second or so. Returns by how much the wall clock stepped
   * since the last call, 0 where it did not (a correction of less than 2 s is followed slowly): a recorder begins a
   * new run then.
   */
  observe(monotonicMs: number, wallMs: number): number {
    const offsetMs = wallMs - monotonicMs;
    const before = this.#offsetMs;
    const elapsedMs = monotonicMs - this.#observedMs;
    this.#observedMs = monotonicMs;
    if (before === undefined) {
      this.#offsetMs = offsetMs;
      return 0;
    }
    const error = offsetMs - before;
    if (Math.abs(error) > stepMs) {
      this.#offsetMs = offsetMs;
      return error;
    }
    const most = Math.max(0, elapsedMs) * maxSlew;
    this.#offsetMs = before + Math.min(most, Math.max(-most, error));
    return 0;
  }

  /** Wall time, ms since 1970 UTC, of a monotonic moment; 0 offset before the first `observe`. */
  at(monotonicMs: number): number {
    return monotonicMs + (this.#offsetMs ?? 0);
  }
}

/** Capture time of the samples of one track: by sender reports while they are sane, else by arrival. */
export class CaptureClock {
  /** Reports that were not believed. */
  refused = 0;
  readonly #anchor: WallAnchor;
  readonly #ticksPerMs: number;
  readonly #isPast: boolean;
  #reportRtp = 0;
  #reportMs: number | undefined;
  /** Samples were too far from their arrival. */
  #isApart = false;

  /** `clockRate`: ticks per second of the track's RTP timestamps. `isPast`: a recording, whose time is not that of arrival. */
  constructor(anchor: WallAnchor, clockRate: number, isPast = false) {
    this.#anchor = anchor;
    this.#isPast = isPast;
    this.#ticksPerMs = clockRate / 1000;
  }

  /**
   * A sender report (RFC 3550 §6.4.1) that arrived at `arrivalMs`, monotonic; `ntpMs` since 1970. Returns false, and
   * forgets the ones before, if it is > 5 s from the arrival or before 2016.
   */
  report(rtpTimestamp: number, ntpMs: number | undefined, arrivalMs: number): boolean {
    const sane =
      ntpMs !== undefined &&
      (this.#isPast || (ntpMs >= saneFromMs && Math.abs(ntpMs - this.#anchor.at(arrivalMs)) <= maxApartMs));
    if (!sane) this.refused++;
    this.#reportMs = sane ? ntpMs : undefined;
    this.#reportRtp = rtpTimestamp;
    return sane;
  }

  /** The next timestamp is of another timeline: what was reported is not of it. */
  forget(): void {
    if (!this.#isPast) this.#reportMs = undefined;
  }

  /** Wall time, ms since 1970 UTC, of the sample with this timestamp (0…2^32-1) that arrived at `arrivalMs`, monotonic. */
  at(rtpTimestamp: number, arrivalMs: number): number {
    const arrivedMs = this.#anchor.at(arrivalMs);
    if (this.#reportMs === undefined) return arrivedMs;
    const capturedMs = this.#reportMs + ((rtpTimestamp - this.#reportRtp) | 0) / this.#ticksPerMs;
    if (this.#isPast) return capturedMs;
    // A camera that lags about as much as is believed must not jump to and fro.
    this.#isApart = Math.abs(capturedMs - arrivedMs) > (this.#isApart ? closeAgainMs : maxApartMs);
    return this.#isApart ? arrivedMs : capturedMs;
  }
}
