import type { GapReason } from '../catalog/types.ts';
import type { Cut } from './fragment-cutter.ts';
import type { Run, SegmentWriter } from './segment-writer.ts';

/** What a stream's recording is doing. */
export interface RecordingState {
  readonly state: 'off' | 'recording' | 'waiting' | 'error';
  /** Since when, ms since 1970 UTC. */
  readonly sinceMs: number;
  /** Why it is not recording. */
  readonly reason?: GapReason;
  /** The same for people. */
  readonly detail?: string;
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
