import type { EventRecord } from '../catalog/types.ts';
import type { RecordingTrigger } from './event-windows.ts';

/** Areas of events that are things happening in front of a camera. */
const areas = ['alarm.', 'detection.'];

/**
 * What an event of the bus triggers, if anything: those of the areas `alarm.` and `detection.` that concern a stream;
 * `data.state` is `begin`, `end` or `pulse` (the default), `data.duration_seconds` how long a pulse lasts.
 */
export function triggerOf(event: EventRecord): RecordingTrigger | undefined {
  if (event.streamId === undefined || !areas.some((area) => event.type.startsWith(area))) return undefined;
  const { state, duration_seconds: duration } = event.data ?? {};
  const kind = event.type.slice(event.type.indexOf('.') + 1);
  if (state === 'begin' || state === 'end') return { kind, state };
  return { kind, state: 'pulse', ...(typeof duration === 'number' && duration > 0 && { durationSeconds: duration }) };
}
