import type { ServedMp4 } from './mp4-files.ts';

/** Heads of composed files that are kept for the next range of the same player. */
const maxKeptBytes = 64 * 1024 * 1024;
const maxKept = 64;

interface Kept {
  /** What was recorded when it was put together. */
  readonly recorded: string;
  readonly opened: Promise<ServedMp4>;
}

/** Files that were put together, by the range that they were asked for; those that were asked for longest ago go first. */
export class KeptMp4s {
  readonly #kept = new Map<string, Kept>();

  /** The file of a range; with `recorded` only where it was made of just that. */
  get(key: string, recorded?: string): Promise<ServedMp4> | undefined {
    const known = this.#kept.get(key);
    if (known === undefined || (recorded !== undefined && known.recorded !== recorded)) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, known);
    return known.opened;
  }

  /** Keeps a file, unless it cannot be put together. */
  add(key: string, recorded: string, opened: Promise<ServedMp4>): Promise<ServedMp4> {
    const kept = { recorded, opened };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    void opened.then(
      () => this.#shrink(),
      () => this.#delete(key, kept),
    );
    return opened;
  }

  /** Some of what it was made of cannot be read any more. */
  forget(file: ServedMp4): void {
    for (const [key, kept] of this.#kept) {
      void kept.opened.then(
        (one) => one === file && this.#delete(key, kept),
        () => {},
      );
    }
  }

  #delete(key: string, kept: Kept): void {
    if (this.#kept.get(key) === kept) this.#kept.delete(key);
  }

  #shrink(): void {
    let bytes = 0;
    for (const [key, kept] of [...this.#kept].reverse()) {
      void kept.opened.then(
        (file) => {
          bytes += file.head.length + file.slices.length * 48;
          if (bytes > maxKeptBytes) this.#delete(key, kept);
        },
        () => {},
      );
    }
    while (this.#kept.size > maxKept) this.#kept.delete(this.#kept.keys().next().value!);
  }
}
