/** What was repaired, by kind, since the stream began. */
export interface TimelineCounts {
  /** New timelines that began > 5 s ahead of the arrival clock. */
  jump: number;
  /** New timelines that began in the past: camera restarted, its clock reset. */
  backward: number;
  /** Single samples with a timestamp of another time, stamped after their predecessor. */
  outlier: number;
  /** Samples with the timestamp of their predecessor. */
  duplicate: number;
  /** Samples that had to be moved behind their predecessor by a tick. */
  nonMonotonic: number;
  /** Tracks that ran away from the arrival clock by > 500 ms and were pulled back. */
  drift: number;
  /** Media that came early in a burst (pre-buffer of a battery camera): kept as it is. */
  early: number;
  /** Tracks aligned to the others by sender reports. */
  aligned: number;
}
