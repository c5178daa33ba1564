import type { Explanation, GapLedger } from './gap-ledger.ts';
import { explained, type RecordingStatus } from './recording-status.ts';
import type { SegmentWriter } from './segment-writer.ts';

/** A hole shorter than this is jitter. */
const minGapMs = 250;

/** A file that was written to since a sync failed, and what of it. */
type Unproven = Pick<SegmentWriter, 'startMs' | 'endMs' | 'promisedEndMs' | 'hasRow' | 'failed'>;

/** How far a stream is recorded. Where it goes on the gap before it ends, or a hole becomes one (G1, G2). */
export class RecordedUntil {
  /** Disk trouble since something was last stored. */
  trouble: Explanation | undefined;
  readonly #streamId: string;
  readonly #gaps: GapLedger;
  readonly #status: RecordingStatus;
  #endMs: number | undefined;
  #furthestMs = 0;
  #runIsNew = false;
  /**
   * Since a sync failed: a disk whose writes fail takes each of them into the system's memory first. What is written is
   * recorded once some of it is promised; else each try would end the gap, and begin the next one.
   */
  #doubt: { readonly sinceMs: number; readonly written: Unproven[] } | undefined;

  constructor(options: { streamId: string; gaps: GapLedger; status: RecordingStatus; endMs: number | undefined }) {
    this.#streamId = options.streamId;
    this.#gaps = options.gaps;
    this.#status = options.status;
    this.#endMs = options.endMs;
  }

  /** ms since 1970 UTC. */
  get endMs(): number | undefined {
    return this.#endMs;
  }

  /** What comes next does not go on where the last picture ended. */
  beginRun(): void {
    this.#runIsNew = true;
  }

  /** Whether what begins at `startMs` leaves a hole. */
  isHoleBefore(startMs: number): boolean {
    return this.#endMs !== undefined && startMs - this.#endMs >= minGapMs;
  }

  /** From `startMs` to the file's end has been written. */
  wrote(writer: Unproven, startMs: number): void {
    const endMs = Math.max(startMs, writer.endMs);
    if (this.#doubt === undefined) this.#recorded(startMs, endMs);
    else if (!this.#doubt.written.includes(writer)) this.#doubt.written.push(writer);
    this.#endMs = endMs;
  }

  /** A sync of the file failed: what it does not promise is not there. */
  lost(writer: Unproven): void {
    const { sinceMs = writer.promisedEndMs, written = [] } = this.#doubt ?? {};
    this.#endMs = sinceMs;
    this.#doubt = { sinceMs, written: written.filter((other) => other !== writer) };
  }

  /** Looks whether what was written since a sync failed is promised by now; `believe`: takes it for granted. */
  settle(believe = false): void {
    const written = this.#doubt?.written.filter(({ failed, hasRow }) => failed === undefined || hasRow) ?? [];
    const [first] = written;
    if (first === undefined || !(believe || first.hasRow)) return;
    this.#doubt = undefined;
    this.#recorded(first.startMs, Math.max(...written.map((one) => (one.failed ? one.promisedEndMs : one.endMs))));
  }

  /** [startMs, endMs) is in a file: ends the gap before it, or makes one of the hole. */
  #recorded(startMs: number, endMs: number): void {
    const last = this.#endMs;
    const gap = this.#gaps.end(this.#streamId, startMs);
    // Within a run a picture lasts until the next one comes, however late.
    const holed = this.#runIsNew && last !== undefined && startMs - last >= minGapMs;
    this.#runIsNew = false;
    if (gap === undefined && holed) {
      const why = explained(this.trouble ?? { reason: 'unknown' });
      this.#gaps.insert({ streamId: this.#streamId, startMs: last, endMs: startMs, ...why });
    }
    this.trouble = undefined;
    this.#endMs = endMs;
    // A clock that was set back: what was a gap is recorded now.
    if (startMs < this.#furthestMs - minGapMs) this.#gaps.fill(this.#streamId, startMs, endMs);
    this.#furthestMs = Math.max(this.#furthestMs, endMs);
    this.#status.recording(startMs, gap);
  }
}
