import type { Clock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { volumeSilent } from './storage-error.ts';

/** So many at a time: a network file system that hangs keeps a thread for each, and all files and names of hosts share 16. */
const mostAtOnce = { read: 4, write: 8 } as const;
/** A volume that has not done something for so long does not answer: disks that spin up take about 10 s. */
export const silentAfterMs = 15_000;

type Kind = keyof typeof mostAtOnce;

/** Whose turns they are. */
export interface VolumeTurnsOptions {
  readonly backend: string;
  readonly basePath: string;
  readonly clock: Clock;
}

/**
 * Gives file operations of one volume their turns. Network file systems can hang for hours: then what reads is told so
 * (`unavailable`, `STORAGE_SILENT`), what writes waits, and neither takes the threads that everything else needs.
 */
export class VolumeTurns {
  readonly #options: VolumeTurnsOptions;
  readonly #free = { ...mostAtOnce } as Record<Kind, number>;
  readonly #waiting: Readonly<Record<Kind, Set<() => void>>> = { read: new Set(), write: new Set() };
  /** Those under way, the oldest first. */
  readonly #began = new Set<{ readonly atMs: number }>();

  constructor(options: VolumeTurnsOptions) {
    this.#options = options;
  }

  /** Why nothing should be begun: something that began long ago has not ended. */
  get silence(): WatchpostError | undefined {
    return this.heldMs < silentAfterMs ? undefined : this.#silent();
  }

  /** How long the oldest of what has not ended has been under way, ms. */
  get heldMs(): number {
    const [oldest] = this.#began;
    return oldest === undefined ? 0 : this.#options.clock.monotonicMs() - oldest.atMs;
  }

  /** What may be given up: rejects when it has no answer after `silentAfterMs`; an answer after that goes to `late`. */
  async read<T>(work: () => Promise<T>, late: (value: T) => void = () => {}): Promise<T> {
    if (this.silence) throw this.silence;
    const given = Promise.withResolvers<T>();
    let isGivenUp = false;
    const begin = () => {
      this.watch(work)
        .then((value) => (isGivenUp ? late(value) : given.resolve(value)), given.reject)
        .finally(() => this.#leave('read'));
    };
    const cancel = this.#options.clock.after(silentAfterMs, () => {
      isGivenUp = true;
      this.#waiting.read.delete(begin);
      given.reject(this.#silent());
    });
    this.#enter('read', begin);
    return given.promise.finally(cancel);
  }

  /** What may not be given up half way: waits for its turn and its end as long as it takes. */
  async write<T>(work: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => this.#enter('write', resolve));
    return this.watch(work).finally(() => this.#leave('write'));
  }

  /** What needs no turn, but shows whether the volume answers. */
  async watch<T>(work: () => Promise<T>): Promise<T> {
    const entry = { atMs: this.#options.clock.monotonicMs() };
    this.#began.add(entry);
    try {
      return await work();
    } finally {
      this.#began.delete(entry);
    }
  }

  #enter(kind: Kind, begin: () => void): void {
    if (this.#free[kind] === 0) {
      this.#waiting[kind].add(begin);
      return;
    }
    this.#free[kind]--;
    begin();
  }

  #leave(kind: Kind): void {
    const [next] = this.#waiting[kind];
    if (next === undefined) {
      this.#free[kind]++;
      return;
    }
    this.#waiting[kind].delete(next);
    next();
  }

  #silent(): WatchpostError {
    return volumeSilent(this.#options.backend, this.#options.basePath);
  }
}
