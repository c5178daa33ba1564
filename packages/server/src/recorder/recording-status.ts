import type { EventSink, GapReason } from '../catalog/types.ts';
import type { Explanation } from './gap-ledger.ts';
import type { RecordingState } from './recording-state.ts';

/** What a stream's recording is doing, and the events that tell of it. */
export class RecordingStatus {
  readonly #streamId: string;
  readonly #events: EventSink;
  #state: RecordingState;

  constructor(options: { streamId: string; events: EventSink; nowMs: number }) {
    this.#streamId = options.streamId;
    this.#events = options.events;
    this.#state = { state: 'waiting', sinceMs: options.nowMs };
  }

  get state(): RecordingState {
    return this.#state;
  }

  /** Video is being stored since `startMs`, after the gap, if there was one. */
  recording(startMs: number, gap: { readonly startMs: number; readonly reason: GapReason } | undefined): void {
    if (this.#state.state === 'recording') return;
    this.#state = { state: 'recording', sinceMs: startMs };
    this.#events.emit({
      type: 'recording.started',
      level: 'info',
      streamId: this.#streamId,
      message: `"${this.#streamId}" is being recorded`,
      ...(gap === undefined ? {} : { reason: gap.reason, data: { gap_ms: Math.max(0, startMs - gap.startMs) } }),
    });
  }

  /** Nothing is being stored, for the reason. False if that is known already. */
  not(state: 'off' | 'waiting' | 'error', why: Explanation, nowMs: number): boolean {
    const before = this.#state;
    if (before.state === state && before.reason === why.reason) return false;
    this.#state = { state, sinceMs: nowMs, ...explained(why) };
    const detail = why.detail ?? why.reason.replaceAll('_', ' ');
    if (before.state === 'recording') {
      this.#events.emit({
        type: 'recording.stopped',
        level: state === 'off' || why.reason === 'no_event' ? 'info' : 'warning',
        streamId: this.#streamId,
        reason: why.reason,
        message: `"${this.#streamId}" is no longer recorded: ${detail}`,
      });
    }
    if (state === 'error') {
      this.#events.emit({
        type: 'recording.error',
        level: 'error',
        streamId: this.#streamId,
        reason: why.reason,
        message: `"${this.#streamId}" cannot be recorded: ${detail}`,
      });
    }
    return true;
  }
}

/** The same without a detail that is undefined. */
export function explained(why: Explanation): { reason: GapReason; detail?: string } {
  return why.detail === undefined ? { reason: why.reason } : { reason: why.reason, detail: why.detail };
}
