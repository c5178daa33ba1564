import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { EventSink, GapReason } from '../catalog/types.ts';
import type { EventGate } from './event-gate.ts';
import type { Cut } from './fragment-cutter.ts';
import type { GapLedger } from './gap-ledger.ts';
import type { RecordingCause } from './recording-plan.ts';
import type { SegmentTimes } from './segment-times.ts';
import type { Run, SegmentWriter } from './segment-writer.ts';
import type { RecordedStream } from './stream-source.ts';

/** What a stream's recording is doing. */
export interface RecordingState {
  readonly state: 'off' | 'recording' | 'waiting' | 'error';
  /** Since when, ms since 1970 UTC. */
  readonly sinceMs: number;
  /** Why it is not recording. */
  readonly reason?: GapReason;
  /** The same for people. */
  readonly detail?: string;
  /** Why it is recording. */
  readonly cause?: RecordingCause;
  /** Kind of the event that is being recorded. */
  readonly event?: string;
  /** When a schedule says something else, ms since 1970 UTC. */
  readonly nextChangeMs?: number;
}

/** Where segments are begun, and who hears of them; shared by all streams. */
export interface SegmentSink {
  /** Begins a segment on the first backend that takes it. */
  begin(streamId: string, run: Run, cuts: readonly Cut[]): Promise<SegmentWriter>;
  /** Deletes old recordings at once; false if there is nothing to delete. */
  makeRoom(): Promise<boolean>;
  /** Something was written, or the segment ended. */
  changed(writer: SegmentWriter, bytes: number): void;
}

/** What a stream's recorder needs. */
export interface StreamRecorderOptions {
  readonly stream: RecordedStream;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  readonly gaps: GapLedger;
  readonly sink: SegmentSink;
  readonly times: SegmentTimes;
  /** What of the stream is to be recorded; all of it where it is missing. */
  readonly gate?: EventGate;
  /** End of the last recording of the process before, ms since 1970 UTC. */
  readonly lastEndMs?: number | undefined;
}
