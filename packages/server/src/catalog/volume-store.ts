import type { Database } from './database.ts';

/** Remembers in the database which volume belongs to which backend. */
export class VolumeStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The id of the backend's volume, if it ever had one. */
  async volumeId(backend: string): Promise<string | undefined> {
    const row = await this.#database
      .selectFrom('storage_volumes')
      .select('volume_id')
      .where('backend', '=', backend)
      .executeTakeFirst();
    return row?.volume_id;
  }

  /** Remembers the volume of a backend, in place of the one before. */
  async remember(backend: string, volumeId: string, createdMs: number): Promise<void> {
    await this.#database
      .insertInto('storage_volumes')
      .values({ backend, volume_id: volumeId, created_ms: createdMs })
      .onConflict((conflict) => conflict.column('backend').doUpdateSet({ volume_id: volumeId, created_ms: createdMs }))
      .execute();
  }
}
