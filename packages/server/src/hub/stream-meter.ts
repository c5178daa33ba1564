const windowSeconds = 5;

/** Counts what a stream carries; rates are over the last five seconds. One call of `tick` a second. */
export class StreamMeter {
  bytes = 0;
  packets = 0;
  /** Video pictures, or audio frames where there is no video. */
  frames = 0;
  lost = 0;
  droppedUnits = 0;
  /** Sessions after the first one. */
  reconnects = 0;
  /** Seconds of media from key picture to key picture: the newest, and the longest of the present session. */
  gopSeconds: number | undefined;
  longestGopSeconds = 0;
  readonly counters: Record<string, number> = {};
  #bytesAt: number[] = [];
  #framesAt: number[] = [];
  #atMs: number[] = [];

  /** Counts under a name. */
  count(name: string, n: number): void {
    this.counters[name] = (this.counters[name] ?? 0) + n;
  }

  /** Notes where the counters stand. */
  tick(nowMs: number): void {
    this.#bytesAt.push(this.bytes);
    this.#framesAt.push(this.frames);
    this.#atMs.push(nowMs);
    if (this.#atMs.length <= windowSeconds + 1) return;
    this.#bytesAt.shift();
    this.#framesAt.shift();
    this.#atMs.shift();
  }

  /** Bits per second. */
  get bitrate(): number {
    return this.#rate(this.#bytesAt) * 8;
  }

  /** Frames per second. */
  get fps(): number {
    return this.#rate(this.#framesAt);
  }

  #rate(values: readonly number[]): number {
    const last = values.length - 1;
    if (last < 1) return 0;
    const seconds = (this.#atMs[last]! - this.#atMs[0]!) / 1000;
    return seconds > 0 ? (values[last]! - values[0]!) / seconds : 0;
  }
}
