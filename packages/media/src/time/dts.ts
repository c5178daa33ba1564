/** More reordered pictures than H.264 and H.265 allow (max_num_reorder_frames, Annex A: 16). */
const maxDepth = 16;
/** Past this many ticks without a picture nothing waits to be reordered: 2 s at 90 kHz. */
const gapTicks = 180_000;
const firstFrameTicks = 3600;

/**
 * Decoding times for pictures that come in decode order with presentation times only (RTP, RFC 6184 §5.1), without
 * reading slices: the picture `depth` places later in decode order is decoded when this one is shown, so a sorted
 * window of the `depth` newest times gives it. The depth comes from the SPS, else it is found when a time falls below
 * the decoding time before; a few pictures around that moment are shown late by less than the window. Never throws.
 * 90 kHz.
 */
export class DtsFromPts {
  /** The `pts` to use with the result of the last `push`: what was given unless that is below the decoding time. */
  pts = 0;
  /** Pictures whose `pts` had to be raised. */
  raised = 0;
  #depth: number;
  #last = -1;
  #newest = Number.NEGATIVE_INFINITY;
  #frame = firstFrameTicks;
  readonly #window = new Float64Array(maxDepth + 1);

  /** `depth`: max_num_reorder_frames of the SPS, 0…16; 0 where it is not known. */
  constructor(depth = 0) {
    this.#depth = Math.min(Math.max(0, depth | 0), maxDepth);
  }

  /** Pictures that may wait for an earlier one, 0…16. */
  get depth(): number {
    return this.#depth;
  }

  /** A new SPS: takes its depth where that is larger; a smaller one waits for the next gap. */
  setDepth(depth: number): void {
    while (this.#depth < Math.min(depth, maxDepth)) this.#grow();
  }

  /** `pts`: ticks ≥ 0. Returns the decoding time: ≥ 0, above the one before, not above `this.pts`. */
  push(pts: number): number {
    const advance = pts - this.#newest;
    if (advance > gapTicks) this.#fill(pts);
    else if (advance > 0) this.#frame += (advance - this.#frame) / 16;
    if (advance > 0) this.#newest = pts;
    const dts = Math.max(this.#shift(pts), this.#last + 1);
    if (dts > pts) {
      this.raised++;
      this.pts = dts;
      if (this.#depth < maxDepth) this.#grow();
    } else this.pts = pts;
    this.#last = dts;
    return dts;
  }

  /** As if the pictures before had come at the usual pace. */
  #fill(pts: number): void {
    const frame = Math.round(this.#frame);
    for (let i = 0; i < this.#depth; i++) this.#window[i] = pts - (this.#depth - i) * frame;
  }

  /** Puts `pts` into the sorted window and takes the lowest out. */
  #shift(pts: number): number {
    const window = this.#window;
    const depth = this.#depth;
    if (depth === 0 || pts <= window[0]!) return pts;
    const lowest = window[0]!;
    let at = 1;
    while (at < depth && window[at]! < pts) {
      window[at - 1] = window[at]!;
      at++;
    }
    window[at - 1] = pts;
    return lowest;
  }

  #grow(): void {
    this.#window.copyWithin(1, 0, this.#depth);
    this.#window[0] = this.#last;
    this.#depth++;
  }
}
