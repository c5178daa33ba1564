import type { Clock } from '@watchpost/base/clock.ts';
import type { Database } from './database.ts';

/** Registrations in other systems. */
export interface RegistrationTables {
  registrations: {
    registration: string;
    stream_id: string;
    remote_name: string;
    remote_id: string | null;
    digest: string;
    changed_ms: number;
  };
}

/** A stream that was made known to another system. */
export interface MadeRegistration {
  readonly streamId: string;
  /** How it is called there. */
  readonly name: string;
  /** The system's own id, where it has one. */
  readonly id?: string;
  /** Of what was sent, so that a change is noticed. */
  readonly digest: string;
}

/** What was made in other systems. */
export class RegistrationStore {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** By registration, then by stream. */
  async load(): Promise<Map<string, Map<string, MadeRegistration>>> {
    const all = new Map<string, Map<string, MadeRegistration>>();
    for (const row of await this.#database.selectFrom('registrations').selectAll().execute()) {
      const made = all.get(row.registration) ?? new Map<string, MadeRegistration>();
      const { stream_id: streamId, remote_name: name, remote_id: id, digest } = row;
      all.set(row.registration, made.set(streamId, { streamId, name, digest, ...(id !== null && { id }) }));
    }
    return all;
  }

  async put(registration: string, made: MadeRegistration): Promise<void> {
    const { streamId, name, id = null, digest } = made;
    const row = { remote_name: name, remote_id: id, digest, changed_ms: Math.round(this.#clock.wallMs()) };
    await this.#database
      .insertInto('registrations')
      .values({ registration, stream_id: streamId, ...row })
      .onConflict((conflict) => conflict.columns(['registration', 'stream_id']).doUpdateSet(row))
      .execute();
  }

  async remove(registration: string, streamId: string): Promise<void> {
    await this.#database
      .deleteFrom('registrations')
      .where('registration', '=', registration)
      .where('stream_id', '=', streamId)
      .execute();
  }
}
