import type { FragmentRun } from '@watchpost/media/container/fmp4/fragment.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';

/** A fragment is cut after so much, key picture or not. */
const maxFragmentMs = 1000;
/** A sample whose successors usually come later than this is not held back for them. */
const maxHeldMs = 250;
/** Duration of a sample that nothing is known about: 25 frames a second. */
const assumedMs = 40;
/** Longest burst of what was captured before it came: the pictures that a server keeps for those who connect. */
const maxBurstMs = 10_000;

/** What becomes one fragment. */
export interface Cut {
  readonly runs: readonly FragmentRun[];
  /** It begins with a key picture of the lead. */
  readonly key: boolean;
  /** First decode time of the lead, and where the next fragment will begin, in ms. */
  readonly startMs: number;
  readonly endMs: number;
  /** Capture time of the lead's first sample, ms since 1970 UTC. */
  readonly wallMs: number;
  /** Capture time, for all that it says itself, of the newest sample that was there: the end of a burst. */
  readonly newestMs: number;
  /** RTP packets of the lead lost before it. */
  readonly lost: number;
  /** No sample of the lead is in it: what came of the other tracks after its last one, whose first track tells the times. */
  readonly isRest: boolean;
}

interface TrackQueue {
  readonly track: Track;
  readonly samples: Sample[];
  /** Samples of earlier cuts of the same `take`. */
  taken: number;
  lastDts: number;
  /** Between the newest two samples. */
  stepTicks: number;
  /** Usual time between two: the shorter one of the last two steps, so that a hole counts as none. */
  intervalTicks: number;
  waited: boolean;
}

/**
 * Collects the samples of one set of tracks and cuts them into fragments at key pictures, and after 1 s. The last sample
 * of each track waits for its successor, whose decode time is its end.
 */
export class FragmentCutter {
  readonly tracks: readonly Track[];
  readonly #queues: TrackQueue[];
  readonly #lead: TrackQueue;
  /** Where the last cut began, ms. */
  #startMs = Number.NEGATIVE_INFINITY;

  /** The first of `tracks` is the lead. Throws nothing; `tracks` must not be empty. */
  constructor(tracks: readonly Track[]) {
    this.tracks = tracks;
    this.#queues = tracks.map((track) => ({
      track,
      samples: [],
      taken: 0,
      lastDts: -1,
      stepTicks: 0,
      intervalTicks: 0,
      waited: false,
    }));
    this.#lead = this.#queues[0]!;
  }

  /** True if there is a sample that no cut had yet. */
  get waiting(): boolean {
    return this.#queues.some(({ samples }) => samples.length > 0);
  }

  /** Of each track the oldest sample that no cut had yet. */
  get held(): readonly Sample[] {
    return this.#queues.flatMap(({ samples }) => samples.slice(0, 1));
  }

  /** Usual time between two samples of the lead, ms. */
  get intervalMs(): number {
    return (this.#lead.intervalTicks * 1000) / this.#lead.track.clockRate;
  }

  /** Takes a sample; those of tracks that are not recorded are passed over. */
  push(sample: Sample): void {
    for (let i = 0; i < this.#queues.length; i++) {
      const queue = this.#queues[i]!;
      if (queue.track !== sample.track) continue;
      if (queue.lastDts >= 0 && sample.dts > queue.lastDts) {
        const stepTicks = sample.dts - queue.lastDts;
        queue.intervalTicks = queue.stepTicks === 0 ? stepTicks : Math.min(stepTicks, queue.stepTicks);
        queue.stepTicks = stepTicks;
      }
      queue.lastDts = sample.dts;
      queue.waited = false;
      queue.samples.push(sample);
      return;
    }
  }

  /** Cuts what is ready; with `final` all there is: sound that no picture came after has cuts of its own. */
  take(final: boolean): Cut[] {
    const ends = this.#queues.map((queue) => this.#readyEnd(queue, final));
    const cuts: Cut[] = [];
    const leader = (final && this.#queues.find(({ samples }) => samples.length > 0)) || this.#lead;
    const { samples, track } = leader;
    const leadEnd = ends[this.#queues.indexOf(leader)]!;
    const maxTicks = (maxFragmentMs * track.clockRate) / 1000;
    for (let from = 0; from < leadEnd; ) {
      let to = from + 1;
      while (to < leadEnd && !this.#cutsBefore(samples[to]!, samples[from]!, maxTicks)) to++;
      cuts.push(this.#cut(from, to, { leader, ends, last: to === leadEnd }));
      from = to;
    }
    for (const queue of this.#queues) {
      const done = queue === leader ? leadEnd : queue.taken;
      // In place: an array left behind by one that lives on would drag all that it held into the old generation.
      if (done > 0) queue.samples.splice(0, done);
      queue.taken = 0;
    }
    return cuts;
  }

  /** How many samples of a track may be cut now: all but one that is worth waiting for. */
  #readyEnd(queue: TrackQueue, final: boolean): number {
    const count = queue.samples.length;
    if (final || count === 0) return count;
    const slow = queue.intervalTicks * 1000 > maxHeldMs * queue.track.clockRate;
    if (slow || queue.waited) return count;
    queue.waited = true;
    return count - 1;
  }

  #cutsBefore(sample: Sample, first: Sample, maxTicks: number): boolean {
    return (sample.key && sample.track.kind === 'video') || sample.dts - first.dts >= maxTicks;
  }

  #cut(from: number, to: number, place: { leader: TrackQueue; ends: number[]; last: boolean }): Cut {
    const { leader } = place;
    const { clockRate } = leader.track;
    const first = leader.samples[from]!;
    const nextDts = leader.samples[to]?.dts ?? leader.lastDts + this.#duration(leader);
    const endMs = (nextDts * 1000) / clockRate;
    const runs: FragmentRun[] = [{ track: leader.track, samples: leader.samples.slice(from, to), nextDts }];
    for (let i = 0; i < this.#queues.length; i++) {
      const queue = this.#queues[i]!;
      if (queue === leader) continue;
      const start = queue.taken;
      // All that is there goes with the last cut; before it, what belongs to its time.
      const untilTicks = place.last ? Number.POSITIVE_INFINITY : (endMs * queue.track.clockRate) / 1000;
      let end = start;
      while (end < place.ends[i]! && queue.samples[end]!.dts < untilTicks) end++;
      queue.taken = end;
      if (end === start) continue;
      const after = queue.samples[end]?.dts ?? queue.lastDts + this.#duration(queue);
      runs.push({ track: queue.track, samples: queue.samples.slice(start, end), nextDts: after });
    }
    const { lost } = first;
    const isRest = leader !== this.#lead;
    const firstMs = (first.dts * 1000) / clockRate;
    // Sound may be of before the last picture; fragments are looked for by when they begin.
    const startMs = isRest ? Math.max(firstMs, this.#startMs + 1) : firstMs;
    this.#startMs = startMs;
    const wallMs = first.wallMs - this.#lateMs(leader, from);
    const newestMs = leader.samples.at(-1)!.wallMs;
    return { runs, key: first.key && !isRest, startMs, endMs, wallMs, newestMs, lost, isRest };
  }

  /**
   * By how much a sample came later than its successors did, that are at hand: capture times that are those of arrival
   * would put a burst after the time that it shows.
   */
  #lateMs({ samples, track }: TrackQueue, from: number): number {
    const msPerTick = 1000 / track.clockRate;
    const first = samples[from]!;
    let lateMs = 0;
    for (let i = from + 1; i < samples.length; i++) {
      const sample = samples[i]!;
      const ms = (sample.pts - first.pts) * msPerTick - (sample.wallMs - first.wallMs);
      if (ms > lateMs && ms <= maxBurstMs) lateMs = ms;
    }
    return lateMs;
  }

  #duration(queue: TrackQueue): number {
    const { clockRate } = queue.track;
    const assumed = (assumedMs * clockRate) / 1000;
    return Math.round(queue.intervalTicks > 0 ? Math.min(queue.intervalTicks, 10 * clockRate) : assumed);
  }
}
