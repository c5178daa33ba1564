import type { Database } from '../catalog/database.ts';

/** The recorder's process before this one. */
export interface PreviousProcess {
  /** ms since 1970 UTC */
  readonly startedMs: number;
  /** Last sign of life, ms since 1970 UTC. */
  readonly aliveMs: number;
  /** It ended in order. */
  readonly ended: boolean;
}

/** Notes that a process began, and tells of the one before. */
export async function beginProcess(
  database: Database,
  nowMs: number,
): Promise<{ readonly id: number; readonly previous: PreviousProcess | undefined }> {
  const row = await database
    .selectFrom('recorder_processes')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const now = Math.round(nowMs);
  const { insertId } = await database
    .insertInto('recorder_processes')
    .values({ started_ms: now, alive_ms: now })
    .executeTakeFirstOrThrow();
  const id = Number(insertId);
  await database
    .deleteFrom('recorder_processes')
    .where('id', '<', id - 100)
    .execute();
  const previous = row && { startedMs: row.started_ms, aliveMs: row.alive_ms, ended: row.ended === 1 };
  return { id, previous };
}

/** Notes that the process ended in order. */
export async function endProcess(database: Database, id: number, nowMs: number): Promise<void> {
  await database
    .updateTable('recorder_processes')
    .set({ alive_ms: Math.round(nowMs), ended: 1 })
    .where('id', '=', id)
    .execute();
}
