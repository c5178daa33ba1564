import type { ServedMp4 } from './mp4-files.ts';

/** Heads of composed files that are kept for the next range of the same player. */
const maxKeptBytes = 64 * 1024 * 1024;
const maxKept = 128;

/** Who asks for the file of a range, which may be another one each second while the recording grows. */
export interface Asked {
  /** Tells players apart, as well as can be. */
  readonly viewer: string;
  /** A file that was put together no longer ago is the one that is meant, ms; the one that this viewer was given above all. */
  readonly keepMs: number;
}

/** A file that a viewer was given. */
interface Kept {
  readonly key: string;
  readonly viewer: string;
  /** What was recorded when it was put together. */
  readonly recorded: string;
  readonly madeMs: number;
  readonly opened: Promise<ServedMp4>;
}

/** Files that were put together, by the range that they were asked for; those that were asked for longest ago go first. */
export class KeptMp4s {
  /** The last one that was given is the last one here; one for each viewer of a range. */
  #kept: readonly Kept[] = [];

  /** The file of a range that the viewer was given; one that it does not have from here is the last that anybody was given. */
  given(key: string, viewer: string, sinceMs: number): Promise<ServedMp4> | undefined {
    const isMeant = (one: Kept) => one.key === key && one.madeMs > sinceMs;
    const own = this.#kept.find((one) => one.viewer === viewer && isMeant(one));
    const meant = own ?? this.#kept.findLast(isMeant);
    return meant && this.#give(meant, viewer);
  }

  /** The file that was made of just what is recorded now. */
  madeOf(key: string, viewer: string, recorded: string): Promise<ServedMp4> | undefined {
    const made = this.#kept.findLast((one) => one.key === key && one.recorded === recorded);
    return made && this.#give(made, viewer);
  }

  /** Keeps a file, unless it cannot be put together. */
  add(kept: Kept): Promise<ServedMp4> {
    const opened = this.#give(kept, kept.viewer);
    void opened.then(
      () => this.#shrink(),
      () => this.#delete(opened),
    );
    return opened;
  }

  /** Some of what it was made of cannot be read any more. */
  forget(file: ServedMp4): void {
    for (const { opened } of this.#kept) {
      void opened.then(
        (one) => one === file && this.#delete(opened),
        () => {},
      );
    }
  }

  #give(found: Kept, viewer: string): Promise<ServedMp4> {
    const others = this.#kept.filter((one) => one.key !== found.key || one.viewer !== viewer);
    this.#kept = [...others, { ...found, viewer }].slice(-maxKept);
    return found.opened;
  }

  #delete(opened: Promise<ServedMp4>): void {
    this.#kept = this.#kept.filter((one) => one.opened !== opened);
  }

  #shrink(): void {
    let bytes = 0;
    for (const opened of new Set(this.#kept.map((one) => one.opened).reverse())) {
      void opened.then(
        (file) => {
          bytes += file.head.length + file.slices.length * 48;
          if (bytes > maxKeptBytes) this.#delete(opened);
        },
        () => {},
      );
    }
  }
}
