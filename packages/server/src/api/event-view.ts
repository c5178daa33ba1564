import type { z } from 'zod';
import type { EventRecord } from '../catalog/types.ts';
import type { eventSchema } from './schemas/recordings.ts';
import { toInstant } from './time-text.ts';

/** An event as the API shows it. */
export function toEventView(event: EventRecord): z.output<typeof eventSchema> {
  return {
    id: event.id,
    at: toInstant(event.atMs),
    type: event.type,
    level: event.level,
    stream_id: event.streamId ?? null,
    reason: event.reason ?? null,
    message: event.message,
    data: { ...event.data },
  };
}
