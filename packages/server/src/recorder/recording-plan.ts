import type { Clock } from '@watchpost/base/clock.ts';
import type { RecordingRules } from '../config/recording-rules.ts';
import type { WeeklySchedule } from '../config/weekly-schedule.ts';
import { type EventTimes, EventWindows, type RecordingTrigger } from './event-windows.ts';
import type { Explanation } from './gap-ledger.ts';
import { noEvent } from './gap-reason.ts';
import { ScheduleClock, type Scheduled } from './schedule-clock.ts';
import type { RecordedStream } from './stream-source.ts';

/** Why a stream is recorded. */
export type RecordingCause = 'continuous' | 'schedule' | 'event' | 'manual';

/** Defaults of `[recording]` for events. */
export interface EventDefaults extends EventTimes {
  readonly preRollSeconds: number;
}

/** What `[recording]` says, with the usual where it says nothing. */
export function eventDefaults(config: Partial<EventDefaults>): EventDefaults {
  const { preRollSeconds = 5, postRollSeconds = 10, maxEventSeconds = 300 } = config;
  return { preRollSeconds, postRollSeconds, maxEventSeconds };
}

/** Whether a stream is to be recorded now. */
export interface Wanted {
  /** `armed`: pulled, and recorded while something happens. */
  readonly what: 'all' | 'armed' | 'off';
  readonly why: Explanation;
  /** Of `armed`: until when it is recorded, monotonic ms. */
  readonly untilMs: number;
  readonly preRollMs: number;
  readonly cause?: RecordingCause;
  /** When a schedule says something else, ms since 1970 UTC. */
  readonly nextChangeMs?: number | undefined;
}

/** Where schedules are looked up. */
export interface ScheduleSource {
  get(name: string): WeeklySchedule | undefined;
}

interface Reading {
  readonly clock: ScheduleClock;
  readonly said: Scheduled;
  readonly fromMs: number;
  readonly untilMs: number;
}

const stopped: Explanation = { reason: 'recording_stopped', detail: 'recording was stopped' };

/** Says what is to be recorded, from rules, schedules, events, and what people asked for. */
export class RecordingPlan {
  readonly #clock: Clock;
  readonly #schedules: ScheduleSource;
  readonly #windows: EventWindows;
  readonly #asked = new Map<string, boolean>();
  readonly #readings = new Map<string, Reading>();

  constructor(clock: Clock, schedules: ScheduleSource) {
    this.#clock = clock;
    this.#schedules = schedules;
    this.#windows = new EventWindows(clock);
  }

  /** From now on the stream is recorded or not, whatever its rules say; undefined: as they say. */
  ask(streamId: string, record: boolean | undefined): void {
    if (record === undefined) this.#asked.delete(streamId);
    else this.#asked.set(streamId, record);
  }

  /** The stream is gone. */
  forget(streamId: string): void {
    this.#asked.delete(streamId);
    this.#windows.forget(streamId);
  }

  /** Something happens. */
  trigger(stream: RecordedStream, trigger: RecordingTrigger, defaults: EventDefaults): void {
    this.#windows.take(stream.id, trigger, timesOf(stream.definition.recording, defaults));
  }

  /** Kind of the event that is being recorded. */
  eventKind(streamId: string): string | undefined {
    return this.#windows.kind(streamId);
  }

  /** What is wanted of the stream now; `enabled`: anything is recorded at all. */
  of(stream: RecordedStream, enabled: boolean, defaults: EventDefaults): Wanted {
    const { definition, id } = stream;
    const rules = definition.recording;
    const asked = this.#asked.get(id) ?? definition.manual;
    if (asked === true) return all('manual');
    if (asked === false || !enabled || !definition.record) return off(stopped);
    if (rules === undefined || rules.mode === 'continuous') return all('continuous');
    if (rules.mode === 'events') return this.#events(stream, defaults);
    const reading = this.#read(rules.schedule ?? '');
    // A schedule that is not there any more must not cost a recording.
    if (reading === undefined) return all('continuous');
    const nextChangeMs = Number.isFinite(reading.untilMs) ? reading.untilMs : undefined;
    if (reading.said === 'continuous') return { ...all('schedule'), nextChangeMs };
    if (reading.said === 'events') return { ...this.#events(stream, defaults), nextChangeMs };
    const detail = `the schedule "${rules.schedule}" says so`;
    return { ...off({ reason: 'not_scheduled', detail }), nextChangeMs };
  }

  #events(stream: RecordedStream, defaults: EventDefaults): Wanted {
    const { recording: rules, onDemand } = stream.definition;
    const preRollMs = (rules?.preRollSeconds ?? defaults.preRollSeconds) * 1000;
    const untilMs = this.#windows.untilMs(stream.id);
    // Without a pre-roll nothing has to be held: a camera that is pulled on demand need not be, until something happens.
    if (onDemand === true && preRollMs === 0 && untilMs < 0) return off(noEvent);
    return { what: 'armed', why: noEvent, untilMs, preRollMs, cause: 'event' };
  }

  /** What a schedule says, asked of it again only when that may have changed. */
  #read(name: string): Reading | undefined {
    const schedule = this.#schedules.get(name);
    if (schedule === undefined) return undefined;
    const nowMs = this.#clock.wallMs();
    const known = this.#readings.get(name);
    if (known?.clock.schedule === schedule && nowMs >= known.fromMs && nowMs < known.untilMs) return known;
    const clock = known?.clock.schedule === schedule ? known.clock : new ScheduleClock(schedule);
    const untilMs = clock.nextChangeMs(nowMs) ?? Number.POSITIVE_INFINITY;
    const reading = { clock, said: clock.at(nowMs), fromMs: nowMs, untilMs };
    this.#readings.set(name, reading);
    return reading;
  }
}

/** How long events of a stream are recorded. */
function timesOf(rules: RecordingRules | undefined, defaults: EventTimes): EventTimes {
  return {
    postRollSeconds: rules?.postRollSeconds ?? defaults.postRollSeconds,
    maxEventSeconds: rules?.maxEventSeconds ?? defaults.maxEventSeconds,
  };
}

function all(cause: RecordingCause): Wanted {
  return { what: 'all', why: stopped, untilMs: Number.POSITIVE_INFINITY, preRollMs: 0, cause };
}

function off(why: Explanation): Wanted {
  return { what: 'off', why, untilMs: Number.NEGATIVE_INFINITY, preRollMs: 0 };
}
