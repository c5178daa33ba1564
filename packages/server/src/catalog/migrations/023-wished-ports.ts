import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Which local port an agent wished when it was given the one that it has. */
export const wishedPorts: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('agent_ports').addColumn('wished_port', 'integer').execute();
  },
};
