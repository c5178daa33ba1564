const bucketMs = 10_000;
/** Three minutes. */
const maxBuckets = 18;
const maxKeys = 64;
const hourMs = 3_600_000;
const maxReconnects = 20;

/** Counters that only grow. */
export interface StreamTotals {
  readonly packets: number;
  readonly lost: number;
  readonly frames: number;
  readonly bytes: number;
  readonly droppedUnits: number;
  /** Repaired time stamps by kind. */
  readonly repaired: Readonly<Record<string, number>>;
}

/** What the last minutes of the present session were like. */
export interface RecentFacts extends StreamTotals {
  /** How long was watched. */
  readonly seconds: number;
  /** Longest time in which nothing came. */
  readonly longestGapMs: number;
  /** From key picture to key picture, oldest first; at most 64. */
  readonly keyIntervalsMs: readonly number[];
  /** How far the camera's clock is ahead of ours, by its newest sender report; missing where it sends none. */
  readonly clockOffsetMs: number | undefined;
  /** Sessions that were lost within an hour. */
  readonly reconnects: number;
}

interface Bucket extends StreamTotals {
  readonly atMs: number;
  readonly longestGapMs: number;
}

/** The last minutes of a stream, in steps of ten seconds. It costs nothing for each packet. */
export class StreamHistory {
  #buckets: Bucket[] = [];
  #keyIntervalsMs: number[] = [];
  #lastKeyMs: number | undefined;
  #longestGapMs = 0;
  #clockOffsetMs: number | undefined;
  #reconnectsAtMs: number[] = [];

  /** A session begins; `isReconnect` where there was one before. */
  begin(nowMs: number, isReconnect: boolean): void {
    this.#buckets = [];
    this.#keyIntervalsMs = [];
    this.#lastKeyMs = undefined;
    this.#longestGapMs = 0;
    this.#clockOffsetMs = undefined;
    if (!isReconnect) return;
    this.#reconnectsAtMs.push(nowMs);
    if (this.#reconnectsAtMs.length > maxReconnects) this.#reconnectsAtMs.shift();
  }

  /** Something came after nothing had for `gapMs`; called once for each read of the socket. */
  waited(gapMs: number): void {
    if (gapMs > this.#longestGapMs) this.#longestGapMs = gapMs;
  }

  /** A key picture, by its decode time. */
  key(dtsMs: number): void {
    if (this.#lastKeyMs !== undefined) this.#keyIntervalsMs.push(dtsMs - this.#lastKeyMs);
    if (this.#keyIntervalsMs.length > maxKeys) this.#keyIntervalsMs.shift();
    this.#lastKeyMs = dtsMs;
  }

  /** A sender report said that the camera's clock is so far ahead of ours. */
  clockOffset(offsetMs: number): void {
    this.#clockOffsetMs = offsetMs;
  }

  /** Once a second; asks for the totals each ten seconds. */
  tick(nowMs: number, totals: () => StreamTotals): void {
    const newest = this.#buckets.at(-1);
    if (newest !== undefined && nowMs - newest.atMs < bucketMs) return;
    this.#buckets.push({ ...totals(), atMs: nowMs, longestGapMs: this.#longestGapMs });
    this.#longestGapMs = 0;
    if (this.#buckets.length > maxBuckets + 1) this.#buckets.shift();
  }

  /** What there is between the oldest step and now. */
  recent(nowMs: number, totals: StreamTotals): RecentFacts {
    const oldest = this.#buckets[0] ?? { ...totals, atMs: nowMs };
    const repaired: Record<string, number> = {};
    for (const [kind, count] of Object.entries(totals.repaired)) {
      const since = count - (oldest.repaired[kind] ?? 0);
      if (since > 0) repaired[kind] = since;
    }
    return {
      seconds: (nowMs - oldest.atMs) / 1000,
      packets: totals.packets - oldest.packets,
      lost: totals.lost - oldest.lost,
      frames: totals.frames - oldest.frames,
      bytes: totals.bytes - oldest.bytes,
      droppedUnits: totals.droppedUnits - oldest.droppedUnits,
      repaired,
      // The first step holds what came before it was made.
      longestGapMs: Math.max(this.#longestGapMs, ...this.#buckets.slice(1).map(({ longestGapMs }) => longestGapMs)),
      keyIntervalsMs: [...this.#keyIntervalsMs],
      clockOffsetMs: this.#clockOffsetMs,
      reconnects: this.#reconnectsAtMs.filter((atMs) => nowMs - atMs < hourMs).length,
    };
  }
}
