import { nearest } from '@watchpost/base/text/nearest.ts';
import { z } from 'zod';
import { show } from './values.ts';

/** When a stream is recorded: always, while something happens, or as a schedule says. */
export type RecordMode = 'continuous' | 'events' | 'schedule';

/** All modes, in the order in which people choose them. */
export const recordModes: readonly RecordMode[] = ['continuous', 'events', 'schedule'];

/** How one stream is recorded, where it is at all. What is missing is as `[recording]` says. */
export interface RecordingRules {
  readonly mode: RecordMode;
  /** Name of a schedule; of mode `schedule` only. */
  readonly schedule?: string;
  /** Recorded before an event, as far back as memory holds. */
  readonly preRollSeconds?: number;
  /** Recorded after an event. */
  readonly postRollSeconds?: number;
  /** An event whose end is never told ends after so long. */
  readonly maxEventSeconds?: number;
  readonly retentionDays?: number;
  /** The oldest recordings of the stream go when it has more. */
  readonly maxBytes?: number;
}

/** Range of the keys `pre_roll`, `post_roll` and `max_event`, seconds. */
export const eventLimits = {
  preRoll: { min: 0, max: 60 },
  postRoll: { min: 0, max: 600 },
  maxEvent: { min: 1, max: 86_400 },
} as const;

/** A key that takes `true`, `false` or a mode; its value is false or the mode. */
export function recordKey() {
  return z.unknown().transform((value, context): RecordMode | false => {
    if (value === false) return false;
    if (value === true) return 'continuous';
    const mode = recordModes.find((known) => known === value);
    if (mode !== undefined) return mode;
    const meant = typeof value === 'string' ? nearest(value, recordModes) : undefined;
    const cure = meant === undefined ? '' : ` — did you mean "${meant}"?`;
    const message = `${show(value)} may be true, false, "continuous", "events" or "schedule"${cure}`;
    context.issues.push({ code: 'custom', message, input: value });
    return z.NEVER;
  });
}

/** Keys of a camera in the file that become rules. */
export interface RuleKeys {
  readonly record?: RecordMode | false | undefined;
  readonly schedule?: string | undefined;
  readonly pre_roll?: number | undefined;
  readonly post_roll?: number | undefined;
  readonly max_event?: number | undefined;
  readonly retention_days?: number | undefined;
  readonly max_bytes?: number | undefined;
}

/** The rules that the keys say; undefined where they say nothing beyond recording or not. */
export function toRules(keys: RuleKeys): RecordingRules | undefined {
  const { schedule, pre_roll: pre, post_roll: post, max_event: max, retention_days: days, max_bytes: bytes } = keys;
  // true beside a schedule means by the schedule.
  const asked = keys.record || 'continuous';
  const mode = asked === 'continuous' && schedule !== undefined ? 'schedule' : asked;
  const rules: RecordingRules = {
    mode,
    ...(mode === 'schedule' && schedule !== undefined && { schedule }),
    ...(pre !== undefined && { preRollSeconds: pre }),
    ...(post !== undefined && { postRollSeconds: post }),
    ...(max !== undefined && { maxEventSeconds: max }),
    ...(days !== undefined && { retentionDays: days }),
    ...(bytes !== undefined && { maxBytes: bytes }),
  };
  return mode === 'continuous' && Object.keys(rules).length === 1 ? undefined : rules;
}
