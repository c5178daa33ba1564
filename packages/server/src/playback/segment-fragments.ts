import type { FragmentEntry, RecordingQuery, Segment } from '../catalog/types.ts';

/** Some 100 bytes each. */
const maxKept = 200_000;

interface Kept {
  /** Of the file: one that was repaired has fewer. */
  readonly bytes: number;
  readonly fragments: readonly FragmentEntry[];
}

/** Fragments of recorded files, kept for whoever asks for the next part of the same file. */
export class SegmentFragments {
  readonly #recordings: Pick<RecordingQuery, 'fragments'>;
  readonly #maxKept: number;
  /** By the segment's id; what was asked for longest ago is first. */
  readonly #kept = new Map<string, Kept>();
  #count = 0;

  /** `most`: fragments that are kept, of all files together. */
  constructor(recordings: Pick<RecordingQuery, 'fragments'>, most = maxKept) {
    this.#recordings = recordings;
    this.#maxKept = most;
  }

  /** Fragments of a file; of one that is being written those that there are by now. */
  async get({ id, bytes, closed }: Segment): Promise<readonly FragmentEntry[]> {
    const known = this.#forget(id);
    const isSame = closed && known?.bytes === bytes;
    const fragments = isSame ? known.fragments : await this.#recordings.fragments(id);
    if (closed) this.#keep(id, { bytes, fragments });
    return fragments;
  }

  #keep(id: string, kept: Kept): void {
    this.#forget(id);
    this.#kept.set(id, kept);
    this.#count += kept.fragments.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#count <= this.#maxKept) return;
      this.#forget(oldest);
    }
  }

  #forget(id: string): Kept | undefined {
    const known = this.#kept.get(id);
    if (this.#kept.delete(id)) this.#count -= known!.fragments.length;
    return known;
  }
}
