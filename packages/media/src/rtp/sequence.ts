/** A jump of this many packets or more, forwards or backwards, is a sender that began anew (RFC 3550 §A.1 MAX_DROPOUT). */
const maxDropout = 3000;
/** So far behind, a packet is late or a duplicate rather than a restart (RFC 3550 §A.1 MAX_MISORDER). */
const maxMisorder = 100;

/** Unwraps 16-bit sequence numbers and counts what is missing (RFC 3550 §A.1). For packets in the order they are used. */
export class SequenceTracker {
  /** The highest number so far, unwrapped, counted from the first packet's own; -1 before it. */
  extended = -1;
  /** Packets that were missing when a later one came, all in all. */
  lost = 0;
  /** Packets that came twice or after their place was given up. */
  duplicates = 0;
  /** How often the numbers began anew. */
  restarts = 0;
  #restartAt = -1;

  /**
   * Takes the next packet's number: how many packets are missing right before it, or -1 for one that is a duplicate or
   * too late and must be dropped. Of a jump that large that the sender must have begun anew, the first packet is
   * dropped (it may be a stray one) and counts as 1 missing before the second.
   */
  next(sequence: number): number {
    if (this.extended < 0) {
      this.extended = sequence;
      return 0;
    }
    const delta = (sequence - this.extended) & 0xffff;
    if (delta === 1) {
      this.extended++;
      return 0;
    }
    if (delta !== 0 && delta < maxDropout) {
      this.extended += delta;
      this.lost += delta - 1;
      return delta - 1;
    }
    if (delta === 0 || delta > 0x10000 - maxMisorder) {
      this.duplicates++;
      return -1;
    }
    if (sequence === this.#restartAt) {
      this.#restartAt = -1;
      this.restarts++;
      this.extended += delta;
      this.lost++;
      return 1;
    }
    this.#restartAt = (sequence + 1) & 0xffff;
    return -1;
  }
}
