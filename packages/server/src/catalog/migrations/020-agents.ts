import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Agents with their pinned keys, enrolment tokens, and the local ports that targets of agents have. */
export const agents: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema
      .createTable('agents')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('public_key', 'blob')
      .addColumn('revoked_ms', 'integer')
      .addColumn('enrolled_by', 'text')
      .addColumn('created_ms', 'integer', (column) => column.notNull())
      .addColumn('seen_ms', 'integer')
      .addColumn('address', 'text')
      .addColumn('software', 'text')
      .addColumn('epoch', 'integer', (column) => column.notNull())
      .addColumn('cameras', 'text')
      .execute();
    await database.schema
      .createTable('enrolment_tokens')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('secret_hash', 'blob', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addColumn('created_ms', 'integer', (column) => column.notNull())
      .addColumn('expires_ms', 'integer', (column) => column.notNull())
      .addColumn('uses', 'integer', (column) => column.notNull())
      .addColumn('max_uses', 'integer', (column) => column.notNull())
      .execute();
    await database.schema
      .createTable('agent_ports')
      .addColumn('agent_id', 'text', (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('port', 'integer', (column) => column.notNull())
      .addColumn('service', 'text', (column) => column.notNull())
      .addColumn('local_port', 'integer', (column) => column.notNull().unique())
      .addPrimaryKeyConstraint('agent_ports_key', ['agent_id', 'host', 'port'])
      .execute();
  },
};
