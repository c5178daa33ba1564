import { type Clock, sleep } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { SegmentStore } from '../catalog/segment-store.ts';
import type { StorageBackend } from '../catalog/types.ts';
import type { RetainedBackend } from './retention.ts';

/** One folder, which is an hour of a stream, is looked into so often: a disk hardly notices that. */
const lookEveryMs = 1000;
/** All of them are looked into so often, or as fast as the above allows. */
const roundMs = 3_600_000;

/** What is looked for, and where. */
export interface MissingFilesOptions {
  readonly store: Pick<SegmentStore, 'page'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Backends that answer, at this moment. */
  places(): readonly RetainedBackend[];
  /** A file was not in its folder: makes sure of it, and tells it. May reject: then it is looked for in the next round. */
  missed(place: RetainedBackend, key: string): Promise<void>;
}

/**
 * Looks for files that somebody deleted while the server runs (F3): what the rows promise, one folder after the other. Only
 * names are read. A folder that cannot be read tells nothing about its files.
 */
export class MissingFiles {
  readonly #options: MissingFilesOptions;
  /** Backends that this round is done with. */
  readonly #done = new Set<StorageBackend>();
  /** The one that is looked into, and the last key that was looked for there. */
  #backend: StorageBackend | undefined;
  #afterKey = '';

  constructor(options: MissingFilesOptions) {
    this.#options = options;
  }

  /** Looks until the signal, and rejects with its reason; the first time after a round's time. */
  async run(): Promise<never> {
    const { clock, logger, signal } = this.#options;
    for (let waitMs = roundMs; ; ) {
      await sleep(clock, waitMs, signal);
      const beganMs = clock.monotonicMs();
      try {
        while (await this.lookOn()) await sleep(clock, lookEveryMs, signal);
      } catch (error) {
        signal.throwIfAborted();
        logger.warn('recorded files could not be looked for', { error: String(error) });
      }
      waitMs = Math.max(lookEveryMs, beganMs + roundMs - clock.monotonicMs());
    }
  }

  /** Looks into the next folder. False where there is none: the next call begins a new round. */
  async lookOn(): Promise<boolean> {
    const place = this.#options.places().find(({ backend }) => !this.#done.has(backend));
    if (place === undefined) {
      this.#done.clear();
      return false;
    }
    const { backend } = place;
    if (backend !== this.#backend) this.#afterKey = '';
    this.#backend = backend;
    const rows = await this.#options.store.page(backend.name, '', this.#afterKey);
    const [first] = rows;
    if (first === undefined) {
      this.#done.add(backend);
      this.#backend = undefined;
      return true;
    }
    const folder = folderOf(first.key);
    const own = rows.filter(({ key }) => folderOf(key) === folder);
    this.#afterKey = own.at(-1)!.key;
    const there = await namesIn(backend, folder).catch(() => undefined);
    if (there === undefined) return true;
    const gone = own.filter(({ key, deleting }) => deleting === 0 && !there.has(key.slice(folder.length + 1)));
    for (const { key } of gone) await this.#options.missed(place, key).catch(() => {});
    return true;
  }
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

async function namesIn(backend: StorageBackend, folder: string): Promise<ReadonlySet<string>> {
  if (backend.names !== undefined) return new Set(await backend.names(folder));
  const files = await Array.fromAsync(backend.list(`${folder}/`));
  return new Set(files.map(({ key }) => key.slice(folder.length + 1)));
}
