import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Segment } from '../catalog/types.ts';
import type { RecordedFiles } from './recorded-files.ts';
import { maxHeadBytes, parseSegmentHead, type SegmentHead } from './segment-head.ts';

const maxHeads = 8192;

/** Heads of recorded files, kept for whoever asks next. */
export class SegmentHeads {
  readonly #files: RecordedFiles;
  readonly #heads = new Map<string, SegmentHead>();

  constructor(files: RecordedFiles) {
    this.#files = files;
    // What is gone is to be a hole for whoever asks next, as if its head had never been read.
    files.onGone((segmentId) => this.#heads.delete(segmentId));
  }

  /**
   * Head of a file of a stretch; undefined where the file is damaged or gone, which is a hole in the stretch: the others
   * play. What was wrong is added to `lost`.
   */
  async find(segment: Segment, lost: unknown[]): Promise<SegmentHead | undefined> {
    try {
      return await this.get(segment);
    } catch (error) {
      if (!isLost(error)) throw error;
      lost.push(error);
      return undefined;
    }
  }

  /** Head of a file. Throws `data_loss`, `malformed` or `not_found`. */
  async get(segment: Segment): Promise<SegmentHead> {
    const known = this.#heads.get(segment.id);
    if (known !== undefined) return known;
    const head = parseSegmentHead(await this.#files.read(segment, { start: 0, end: segment.initBytes }, maxHeadBytes));
    if (this.#heads.size >= maxHeads) this.#heads.delete(this.#heads.keys().next().value!);
    this.#heads.set(segment.id, head);
    return head;
  }
}

/** True where a recorded file, or a part of it, is damaged or gone: no other try reads it. */
export function isLost(error: unknown): boolean {
  return error instanceof WatchpostError && ['data_loss', 'malformed', 'not_found'].includes(error.kind);
}

/** For `catch`: what is damaged or gone is nothing, and anything else is thrown on. */
export function lostAsUndefined(error: unknown): undefined {
  if (!isLost(error)) throw error;
}
