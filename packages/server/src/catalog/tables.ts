import type { AgentTables } from './agents/agent-tables.ts';
import type { AuditTables } from './audit/audit-tables.ts';
import type { DefinitionTables } from './definitions/definition-tables.ts';
import type { EventTables } from './event-tables.ts';
import type { IdentityTables } from './identity/identity-tables.ts';
import type { RecordingTables } from './recording-tables.ts';
import type { RegistrationTables } from './registration-store.ts';
import type { SilentStreamTables } from './silent-stream-store.ts';
import type { WebhookTables } from './webhook-store.ts';

/** Bookkeeping of the migrations. */
export interface MigrationTables {
  kysely_migration: { name: string; timestamp: string };
}

/** All tables: an interface for each area, in a file of its own. Times are ms since 1970 UTC, booleans 0 or 1. */
export interface Tables
  extends MigrationTables,
    RecordingTables,
    EventTables,
    IdentityTables,
    DefinitionTables,
    AuditTables,
    RegistrationTables,
    SilentStreamTables,
    WebhookTables,
    AgentTables {}
