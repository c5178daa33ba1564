import type { StorageBackend } from '../catalog/types.ts';
import { type RetainedBackend, Retention, type RetentionOptions } from './retention.ts';

/** What all of them have in common. */
export interface RetentionsOptions extends Omit<RetentionOptions, 'place' | 'onBack'> {
  /** Called when a volume has come back. */
  readonly onBack: (place: RetainedBackend) => void;
}

/** The backends that are recorded to, in order of preference, each with what keeps it within its limits. */
export class Retentions {
  readonly #options: RetentionsOptions;
  #all: readonly Retention[] = [];

  constructor(places: readonly RetainedBackend[], options: RetentionsOptions) {
    this.#options = options;
    this.configure(places);
  }

  get all(): readonly Retention[] {
    return this.#all;
  }

  get places(): readonly RetainedBackend[] {
    return this.#all.map(({ place }) => place);
  }

  /** Those whose disks are there and answer. */
  get answering(): readonly RetainedBackend[] {
    const fine = this.#all.filter(({ state: { state } }) => state !== 'missing' && state !== 'error');
    return fine.map(({ place }) => place);
  }

  of(backend: StorageBackend): Retention | undefined {
    return this.#all.find(({ place }) => place.backend === backend);
  }

  /** From now on these; a backend that is known keeps its state. */
  configure(places: readonly RetainedBackend[]): void {
    const before = this.#all;
    this.#all = places.map((place) => {
      const known = this.of(place.backend);
      known?.setLimits(place);
      return known ?? new Retention({ ...this.#options, place, onBack: () => this.#options.onBack(place) });
    });
    for (const retention of before) if (!this.#all.includes(retention)) retention.leave();
  }
}
