import type { Clock } from '@watchpost/base/clock.ts';
import { describeState, offState } from './describe-state.ts';
import type { Explanation, GapLedger } from './gap-ledger.ts';
import type { Wanted } from './recording-plan.ts';
import type { RecordingState } from './recording-state.ts';

/** What a crash left is ended as such only so long after the start. */
const settleMs = 30_000;

/** Streams that nobody records, since when and why; and what the timeline says of them (G1). */
export class OffStreams {
  readonly #clock: Clock;
  readonly #gaps: GapLedger;
  readonly #startedMs: number;
  readonly #off = new Map<string, { readonly sinceMs: number; readonly why: Explanation }>();

  constructor(parts: { clock: Clock; gaps: GapLedger }) {
    this.#clock = parts.clock;
    this.#gaps = parts.gaps;
    this.#startedMs = parts.clock.wallMs();
  }

  /** The stream is not to be recorded. */
  add(streamId: string, why: Explanation): void {
    const known = this.#off.get(streamId);
    if (known?.why.reason !== why.reason) this.#off.set(streamId, { sinceMs: this.#nowMs(), why });
  }

  /** The stream is to be recorded. */
  delete(streamId: string): void {
    this.#off.delete(streamId);
  }

  /** What the stream's recording is doing; `lastly` is what was known of it before this process. */
  state(streamId: string, wanted: Wanted | undefined, lastlyMs: number): RecordingState {
    return describeState(offState(this.#off.get(streamId), lastlyMs), { wanted, event: undefined });
  }

  /** Nothing is recorded, and nothing was just before: the timeline says why, where there is something to explain. */
  explain(streamId: string, why: Explanation, lastEndMs: number | undefined): void {
    const nowMs = this.#nowMs();
    const isPlanned = why.reason === 'not_scheduled' || why.reason === 'no_event';
    if (!isPlanned && (this.#gaps.current(streamId) === undefined || nowMs - this.#startedMs < settleMs)) return;
    this.#gaps.explain(streamId, why, { startMs: Math.min(lastEndMs ?? nowMs, nowMs), nowMs });
  }

  /** Gaps that the process before left open, of streams that are not recorded any more. */
  explainForgotten(isRecorded: (streamId: string) => boolean): void {
    const nowMs = this.#nowMs();
    for (const streamId of this.#gaps.streams()) {
      if (isRecorded(streamId)) continue;
      const why = this.#off.get(streamId)?.why ?? { reason: 'recording_stopped' };
      this.#gaps.explain(streamId, why, { startMs: nowMs, nowMs });
    }
  }

  /** What was not to be recorded when we went is explained only until now. */
  explainShutdown(): void {
    const nowMs = this.#nowMs();
    for (const streamId of this.#gaps.streams()) {
      const reason = this.#gaps.current(streamId)?.reason;
      if (reason !== 'not_scheduled' && reason !== 'no_event') continue;
      this.#gaps.explain(streamId, { reason: 'shutdown' }, { startMs: nowMs, nowMs });
    }
  }

  #nowMs(): number {
    return Math.round(this.#clock.wallMs());
  }
}
