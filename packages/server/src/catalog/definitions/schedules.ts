import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { ScheduleRange, WeeklySchedule } from '../../config/weekly-schedule.ts';
import type { Database } from '../database.ts';

/** Schedules made by API. */
const maxSchedules = 200;

/** A schedule and where it comes from. */
export interface KnownSchedule {
  readonly schedule: WeeklySchedule;
  /** `file`: read-only in the API. */
  readonly origin: 'file' | 'api';
}

/** All schedules by name: those of the configuration file, which come first, and those made by API. */
export class Schedules {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #ofApi = new Map<string, WeeklySchedule>();
  #ofFile: ReadonlyMap<string, WeeklySchedule>;

  private constructor(database: Database, clock: Clock, ofFile: readonly WeeklySchedule[]) {
    this.#database = database;
    this.#clock = clock;
    this.#ofFile = byName(ofFile);
  }

  /** Reads those of the database. */
  static async open(database: Database, clock: Clock, ofFile: readonly WeeklySchedule[]): Promise<Schedules> {
    const schedules = new Schedules(database, clock, ofFile);
    for (const row of await database.selectFrom('schedules').selectAll().execute()) {
      const ranges = JSON.parse(row.ranges) as readonly ScheduleRange[];
      const schedule = { name: row.name, ranges, ...(row.time_zone !== null && { timeZone: row.time_zone }) };
      schedules.#ofApi.set(row.name, schedule);
    }
    return schedules;
  }

  /** Takes those of a configuration file that was read again. */
  setFile(ofFile: readonly WeeklySchedule[]): void {
    this.#ofFile = byName(ofFile);
  }

  get(name: string): WeeklySchedule | undefined {
    return this.#ofFile.get(name) ?? this.#ofApi.get(name);
  }

  /** In order of their names. */
  list(): readonly KnownSchedule[] {
    const ofFile = [...this.#ofFile.values()].map((schedule): KnownSchedule => ({ schedule, origin: 'file' }));
    const ofApi = [...this.#ofApi.values()]
      .filter(({ name }) => !this.#ofFile.has(name))
      .map((schedule): KnownSchedule => ({ schedule, origin: 'api' }));
    return [...ofFile, ...ofApi].sort((a, b) => (a.schedule.name < b.schedule.name ? -1 : 1));
  }

  /** Makes or replaces one. Throws `conflict` (`defined_in_file`) and `resource_exhausted`. */
  async put(schedule: WeeklySchedule): Promise<void> {
    this.#mustBeOurs(schedule.name);
    if (!this.#ofApi.has(schedule.name) && this.#ofApi.size >= maxSchedules)
      throw new WatchpostError(`there are ${maxSchedules} schedules — delete those that no stream uses`, {
        kind: 'resource_exhausted',
        code: 'TOO_MANY_SCHEDULES',
      });
    const row = {
      time_zone: schedule.timeZone ?? null,
      ranges: JSON.stringify(schedule.ranges),
      changed_ms: Math.round(this.#clock.wallMs()),
    };
    await this.#database
      .insertInto('schedules')
      .values({ name: schedule.name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute();
    this.#ofApi.set(schedule.name, schedule);
  }

  /** Removes one made by API. Throws `conflict` (`defined_in_file`) and `not_found`. */
  async remove(name: string): Promise<void> {
    this.#mustBeOurs(name);
    if (!this.#ofApi.has(name))
      throw new WatchpostError(`there is no schedule "${name}"`, { kind: 'not_found', code: 'SCHEDULE_NOT_FOUND' });
    await this.#database.deleteFrom('schedules').where('name', '=', name).execute();
    this.#ofApi.delete(name);
  }

  #mustBeOurs(name: string): void {
    if (!this.#ofFile.has(name)) return;
    throw new WatchpostError(`the schedule "${name}" is defined in the configuration file — change it there`, {
      kind: 'conflict',
      code: 'defined_in_file',
    });
  }
}

function byName(schedules: readonly WeeklySchedule[]): ReadonlyMap<string, WeeklySchedule> {
  return new Map(schedules.map((schedule) => [schedule.name, schedule]));
}
