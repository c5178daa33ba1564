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
  }

  /** Head of a file. Throws `malformed` or `data_loss`. */
  async get(segment: Segment): Promise<SegmentHead> {
    const known = this.#heads.get(segment.id);
    if (known !== undefined) return known;
    const head = parseSegmentHead(await this.#files.read(segment, { start: 0, end: segment.initBytes }, maxHeadBytes));
    if (this.#heads.size >= maxHeads) this.#heads.delete(this.#heads.keys().next().value!);
    this.#heads.set(segment.id, head);
    return head;
  }
}
