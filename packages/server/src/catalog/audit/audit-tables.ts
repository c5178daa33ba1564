import type { Generated } from 'kysely';

/** Who did what. */
export interface AuditTables {
  audit: {
    id: Generated<number>;
    at_ms: number;
    action: string;
    user_name: string;
    via: string;
    stream_id: string | null;
    detail: string;
    address: string;
    user_agent: string;
  };
}
