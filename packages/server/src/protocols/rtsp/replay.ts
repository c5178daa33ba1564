import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { ReplayTime } from '@watchpost/media/rtp/replay-extension.ts';
import type { RtspHeaders } from '@watchpost/media/rtsp/message.ts';
import type { ReplayRange } from './source-options.ts';

/** So far ahead of its pace a recording is held back, until it is only so much ahead. */
const holdAtMs = 1500;
const resumeAtMs = 500;
/** So much is looked at before the pace is: pictures of a quiet night are small, and one read holds many. */
const pieceBytes = 4096;
/**
 * A recording is over when so long after the end of a track nothing more came: the rest of its last picture follows the
 * packet that tells of the end, and sound that was recorded for a while only ends before the pictures do.
 */
const overAfterMs = 1000;
/** A step in recorded time that is a gap, not a pace. */
const gapMs = 5000;

/** What a session asks for to see a recorded range (ONVIF Streaming Specification §6.3). */
export function replayRequest(range: ReplayRange): {
  readonly require: { readonly feature: string; readonly methods: readonly string[] };
  readonly playHeaders: RtspHeaders;
} {
  const end = range.endMs === undefined ? '' : clockOf(range.endMs);
  return {
    require: { feature: 'onvif-replay', methods: ['SETUP', 'PLAY'] },
    // Rate-Control: we keep the pace; a device that keeps it itself drops pictures when the network is slow.
    playHeaders: [
      ['Range', `clock=${clockOf(range.startMs)}-${end}`],
      ['Rate-Control', 'no'],
    ],
  };
}

/** Keeps the pace of a recording that comes as fast as it is read. */
export class ReplayPace {
  /** The device has said that this was the last of a track. */
  isOver = false;
  #beginRecordedMs: number | undefined;
  #beginMs = 0;
  #lastRecordedMs = 0;

  /** A picture that came at `nowMs`, monotonic. */
  note(time: ReplayTime, nowMs: number): void {
    const { recordedMs } = time;
    const stepMs = recordedMs - this.#lastRecordedMs;
    const isGap = time.isDiscontinuity || stepMs > gapMs || stepMs < -gapMs;
    if (this.#beginRecordedMs === undefined || isGap) {
      this.#beginMs = this.#beginRecordedMs === undefined ? nowMs : this.#beginMs + this.#aheadOf(this.#lastRecordedMs);
      this.#beginRecordedMs = recordedMs;
    }
    this.#lastRecordedMs = recordedMs;
    this.isOver ||= time.isLast;
  }

  /** How long to read nothing, ms; 0 while there is no need. */
  holdMs(nowMs: number): number {
    if (this.#beginRecordedMs === undefined) return 0;
    const leadMs = this.#aheadOf(this.#lastRecordedMs) - (nowMs - this.#beginMs);
    return leadMs < holdAtMs ? 0 : leadMs - resumeAtMs;
  }

  #aheadOf(recordedMs: number): number {
    return recordedMs - (this.#beginRecordedMs ?? recordedMs);
  }
}

/** What a `ReplayFeed` works on. */
export interface ReplayFeedHandler {
  /** The next bytes of the connection, in order. */
  onPiece(chunk: Uint8Array, start: number, end: number): void;
  onBatchEnd(): void;
  /** Whether more may be read. */
  onHold(holds: boolean): void;
  /** All of the range has come. */
  onOver(): void;
}

/** Hands the bytes of a connection on at the pace of the recording in them. */
export class ReplayFeed {
  readonly pace = new ReplayPace();
  readonly #clock: Clock;
  readonly #handler: ReplayFeedHandler;
  /** What was read and is ahead of its pace: one read, or few. */
  #waiting: Uint8Array[] = [];
  #at = 0;
  #cancel: (() => void) | undefined;
  #cancelOver: (() => void) | undefined;

  constructor(clock: Clock, handler: ReplayFeedHandler) {
    this.#clock = clock;
    this.#handler = handler;
  }

  /** `buffer[0…bytes)` was read; it is copied. */
  push(bytes: number, buffer: Uint8Array): void {
    this.#waiting.push(buffer.slice(0, bytes));
    if (this.#cancel === undefined) this.#feed();
  }

  close(): void {
    this.#cancel?.();
    this.#cancelOver?.();
    this.#waiting = [];
  }

  #feed(): void {
    const wasHeld = this.#cancel !== undefined;
    this.#cancel = undefined;
    this.#cancelOver?.();
    for (let chunk = this.#waiting[0]; chunk !== undefined; chunk = this.#waiting[0]) {
      const holdMs = this.pace.holdMs(this.#clock.monotonicMs());
      if (holdMs > 0) {
        this.#handler.onBatchEnd();
        if (!wasHeld) this.#handler.onHold(true);
        this.#cancel = this.#clock.after(holdMs, () => this.#feed());
        return;
      }
      const end = Math.min(chunk.length, this.#at + pieceBytes);
      this.#handler.onPiece(chunk, this.#at, end);
      this.#at = end < chunk.length ? end : 0;
      if (this.#at === 0) this.#waiting.shift();
    }
    this.#handler.onBatchEnd();
    if (wasHeld) this.#handler.onHold(false);
    if (this.pace.isOver) this.#cancelOver = this.#clock.after(overAfterMs, () => this.#handler.onOver());
  }
}

/** RFC 2326 §3.7, in UTC: `20261120T114900.440Z`. */
function clockOf(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]/g, '');
}

/** Why the session ends that has played its range. */
export function replayOver(): WatchpostError {
  return new WatchpostError('The recorded range has ended', { kind: 'unavailable', code: 'SOURCE_ENDED' });
}
