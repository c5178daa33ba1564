import type { EventLog } from '../catalog/event-log.ts';
import { triggerOf } from '../recorder/event-triggers.ts';
import type { Recorder } from '../recorder/recorder.ts';

/** Lets what happens in front of cameras be recorded, whoever tells of it; what comes back ends that. */
export function recordEvents(events: EventLog, recorder: Pick<Recorder, 'trigger'>): () => void {
  return events.subscribe((event) => {
    const trigger = triggerOf(event);
    if (trigger !== undefined) recorder.trigger(event.streamId!, trigger);
  });
}
