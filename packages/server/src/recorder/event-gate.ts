import type { Clock } from '@watchpost/base/clock.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { CacheBudget, CachedLog } from '../hub/cache-budget.ts';

/** Bytes held back for one stream: as many as its GOP cache may have. */
const maxHeldBytes = 16 * 1024 * 1024;
/** Sound alone can begin anywhere: it is held in pieces of so much. */
const audioGroupMs = 1000;
/** An event's recording ends at a key picture, or so long after its end where none comes. */
const keyPatienceMs = 10_000;

/** Samples from one at which decoding can begin to before the next one. */
interface HeldGroup {
  readonly startMs: number;
  readonly wallMs: number;
  readonly samples: Sample[];
  bytes: number;
}

/**
 * Lets through what is to be recorded: all, or what belongs to events, with what was held back from before them. What is
 * held are the hub's own samples, no copies: whole groups of pictures, as many as the pre-roll needs and memory allows.
 */
export class EventGate implements CachedLog {
  readonly #clock: Clock;
  readonly #budget: CacheBudget | undefined;
  #preRollMs = 0;
  /** Open until then, monotonic ms; -Infinity: closed. */
  #untilMs = Number.NEGATIVE_INFINITY;
  #isOpen = false;
  #groups: HeldGroup[] = [];
  #bytes = 0;
  #hasVideo = false;

  constructor(clock: Clock, budget?: CacheBudget) {
    this.#clock = clock;
    this.#budget = budget;
    budget?.add(this);
  }

  /** True while it holds back what comes. */
  get armed(): boolean {
    return !this.#isOpen;
  }

  /** Capture time of the oldest sample held, ms since 1970 UTC. */
  get heldSinceMs(): number | undefined {
    return this.#groups[0]?.wallMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** For the budget: the same clock for all gates. */
  get oldestMs(): number {
    return this.#groups[0]?.wallMs ?? Number.POSITIVE_INFINITY;
  }

  get hasCache(): boolean {
    return this.#groups.length > 0;
  }

  dropCache(): void {
    while (this.#groups.length > 0) this.#dropOldest();
  }

  /**
   * Lets through until `untilMs` (monotonic; Infinity for always, -Infinity: no more), and keeps `preRollMs` while it does
   * not. What was let through ends where it was to end, now at the latest.
   */
  allow(untilMs: number, preRollMs: number): void {
    this.#untilMs = Math.max(untilMs, Math.min(this.#untilMs, this.#clock.monotonicMs()));
    this.#preRollMs = preRollMs;
  }

  /** What of these samples, and of those held back, is to be recorded now; `tracks` are those of the stream. */
  pass(samples: readonly Sample[], tracks: readonly Track[]): readonly Sample[] {
    this.#hasVideo = tracks.some(isVideo);
    const overMs = this.#clock.monotonicMs() - this.#untilMs;
    if (overMs < 0) return this.#open(samples);
    if (!this.#isOpen) {
      for (const sample of samples) this.#hold(sample);
      this.#trim();
      return [];
    }
    const late = overMs > keyPatienceMs;
    // Pictures come late, and are pulled later still: those of before the end belong to the event.
    const endWallMs = this.#clock.wallMs() - overMs;
    let end = 0;
    while (end < samples.length && !(this.#begins(samples[end]!) && samples[end]!.wallMs >= endWallMs)) end++;
    if (end === samples.length && !late) return samples;
    this.#isOpen = false;
    for (let i = end; i < samples.length; i++) this.#hold(samples[i]!);
    this.#trim();
    return samples.slice(0, end);
  }

  /** Forgets what is held; for good. */
  close(): void {
    this.dropCache();
    this.#budget?.delete(this);
  }

  #open(samples: readonly Sample[]): readonly Sample[] {
    this.#isOpen = true;
    if (this.#groups.length === 0) return samples;
    const held = this.#groups.flatMap((group) => group.samples);
    this.dropCache();
    held.push(...samples);
    return held;
  }

  #begins(sample: Sample): boolean {
    return sample.key && (sample.track.kind === 'video' || !this.#hasVideo);
  }

  #hold(sample: Sample): void {
    const last = this.#groups.at(-1);
    const ms = (sample.dts * 1000) / sample.track.clockRate;
    const begins = this.#begins(sample) && (this.#hasVideo || last === undefined || ms - last.startMs >= audioGroupMs);
    if (begins) this.#groups.push({ startMs: ms, wallMs: sample.wallMs, samples: [sample], bytes: 0 });
    else if (last === undefined) return;
    else last.samples.push(sample);
    this.#groups.at(-1)!.bytes += sample.byteLength;
    this.#bytes += sample.byteLength;
    this.#budget?.grew(sample.byteLength);
  }

  #trim(): void {
    const last = this.#groups.at(-1)?.samples.at(-1);
    if (last === undefined) return;
    const endMs = (last.dts * 1000) / last.track.clockRate;
    while (this.#bytes > maxHeldBytes) this.#dropOldest();
    while (this.#groups.length > 1 && endMs - this.#groups[1]!.startMs >= this.#preRollMs) this.#dropOldest();
  }

  #dropOldest(): void {
    const gone = this.#groups.shift();
    if (gone === undefined) return;
    this.#bytes -= gone.bytes;
    this.#budget?.shrank(gone.bytes);
  }
}

function isVideo(track: Track): boolean {
  return track.kind === 'video';
}
