import type { Clock } from '@watchpost/base/clock.ts';

/** Kinds of events that may last at once in one stream; more are taken as one. */
const maxKinds = 32;

/** Something that happens in front of a camera. */
export interface RecordingTrigger {
  /** What kind: an end belongs to the beginning of the same kind. */
  readonly kind: string;
  /** `pulse`: it happened, and lasted `durationSeconds`. */
  readonly state: 'begin' | 'end' | 'pulse';
  /** Of a pulse. Default 0. */
  readonly durationSeconds?: number;
}

/** How long events are recorded. */
export interface EventTimes {
  readonly postRollSeconds: number;
  /** An event whose end is never told ends after so long. */
  readonly maxEventSeconds: number;
}

interface Windows {
  untilMs: number;
  kind: string;
  /** Events that last, by kind: when they are given up, monotonic ms. */
  readonly lasting: Map<string, number>;
}

/** Until when each stream is to be recorded for the sake of events; those that overlap extend each other. */
export class EventWindows {
  readonly #clock: Clock;
  readonly #streams = new Map<string, Windows>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes an event. */
  take(streamId: string, trigger: RecordingTrigger, times: EventTimes): void {
    const nowMs = this.#clock.monotonicMs();
    const windows = this.#streams.get(streamId) ?? { untilMs: 0, kind: trigger.kind, lasting: new Map() };
    this.#streams.set(streamId, windows);
    const known = windows.lasting.has(trigger.kind) || windows.lasting.size < maxKinds;
    const kind = known ? trigger.kind : '';
    const postMs = times.postRollSeconds * 1000;
    const extend = (untilMs: number) => {
      windows.untilMs = Math.max(windows.untilMs, untilMs);
    };
    if (trigger.state === 'begin') {
      windows.lasting.set(kind, nowMs + times.maxEventSeconds * 1000);
      extend(nowMs + postMs);
    } else if (trigger.state === 'pulse') {
      extend(nowMs + Math.min(trigger.durationSeconds ?? 0, times.maxEventSeconds) * 1000 + postMs);
    } else if (windows.lasting.delete(kind)) extend(nowMs + postMs);
    if (trigger.state !== 'end') windows.kind = trigger.kind;
  }

  /** Until when the stream is to be recorded, monotonic ms; -Infinity where nothing happens in it. */
  untilMs(streamId: string): number {
    const windows = this.#streams.get(streamId);
    if (windows === undefined) return Number.NEGATIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    let untilMs = windows.untilMs;
    for (const [kind, endMs] of windows.lasting) {
      if (endMs <= nowMs) windows.lasting.delete(kind);
      if (endMs > untilMs) untilMs = endMs;
    }
    if (untilMs > nowMs) return untilMs;
    this.#streams.delete(streamId);
    return Number.NEGATIVE_INFINITY;
  }

  /** The stream is gone. */
  forget(streamId: string): void {
    this.#streams.delete(streamId);
  }

  /** Kind of the event that is being recorded. */
  kind(streamId: string): string | undefined {
    return this.untilMs(streamId) > 0 ? this.#streams.get(streamId)?.kind : undefined;
  }
}
