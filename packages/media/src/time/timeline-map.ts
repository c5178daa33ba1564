/**
 * Maps media ticks to output ticks: a line from a knee on, and the line before it for pictures that come late in
 * decode order. Each change begins at a knee, so what was mapped before keeps its place and order is never turned
 * around.
 */
export class TimelineMap {
  /** The furthest media tick so far: changes begin after it. */
  newest = 0;
  /** Output ticks per media tick from the knee on; 1 where nothing is being corrected. */
  slope = 1;
  #slopeBefore = 1;
  #knee = 0;
  #kneeOut = 0;
  #kneeOutBefore = 0;

  /** Media ticks, any integer, to output ticks. */
  at(media: number): number {
    const offset = media - this.#knee;
    if (offset < 0)
      return this.#kneeOutBefore + (this.#slopeBefore === 1 ? offset : Math.round(offset * this.#slopeBefore));
    return this.#kneeOut + (this.slope === 1 ? offset : Math.round(offset * this.slope));
  }

  /** Where media ticks would be on the line that holds now, those of before the knee, too. */
  atNow(media: number): number {
    return this.#kneeOut + Math.round((media - this.#knee) * this.slope);
  }

  /** What all changes together have added to the newest media tick. */
  get moved(): number {
    return this.at(this.newest) - this.newest;
  }

  /** After the newest media tick: `shift` output ticks ≥ 0 later than now, and with `slope` > 0. */
  bend(shift: number, slope: number): void {
    const out = this.at(this.newest + 1);
    this.#knee = this.newest + 1;
    this.#slopeBefore = this.slope;
    this.#kneeOutBefore = out;
    this.#kneeOut = out + shift;
    this.slope = slope;
  }
}
