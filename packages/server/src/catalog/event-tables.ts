import type { Generated } from 'kysely';

/** What happened. */
export interface EventTables {
  events: {
    id: Generated<number>;
    at_ms: number;
    type: string;
    level: string;
    stream_id: string | null;
    reason: string | null;
    message: string;
    /** JSON */
    data: string | null;
  };
}
