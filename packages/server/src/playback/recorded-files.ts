import { WatchpostError } from '@watchpost/base/errors.ts';
import type { RecordingQuery, Segment, StorageBackend } from '../catalog/types.ts';
import type { ByteRange } from './byte-range.ts';

/** A reader that takes longer than this for one answer loses its hold on the file. */
export const readLeaseMs = 3600_000;

/** Reads recorded files, wherever they are; they are not deleted meanwhile. */
export class RecordedFiles {
  readonly #recordings: Pick<RecordingQuery, 'lease' | 'missed'>;
  readonly #backends: ReadonlyMap<string, StorageBackend>;
  readonly #onGone: ((segmentId: string) => void)[] = [];

  constructor(recordings: Pick<RecordingQuery, 'lease' | 'missed'>, backends: ReadonlyMap<string, StorageBackend>) {
    this.#recordings = recordings;
    this.#backends = backends;
  }

  /** Calls `listener` with files that turn out to be gone from their storage. */
  onGone(listener: (segmentId: string) => void): void {
    this.#onGone.push(listener);
  }

  /** The storage of a file. Throws `unavailable` where it is not configured any more. */
  backendOf(segment: Segment): StorageBackend {
    const backend = this.#backends.get(segment.backend);
    if (backend !== undefined) return backend;
    const message = `The recording is on the storage "${segment.backend}", which is not configured any more`;
    throw new WatchpostError(message, { kind: 'unavailable', code: 'PLAYBACK_NO_BACKEND' });
  }

  /** Bytes of a file as they come. */
  async *stream(segment: Segment, range: ByteRange): AsyncIterable<Uint8Array> {
    using _lease = this.#recordings.lease(segment.id, readLeaseMs);
    try {
      yield* this.backendOf(segment).read(segment.key, range.start, range.end);
    } catch (error) {
      if (error instanceof WatchpostError && error.kind === 'not_found') {
        for (const listener of this.#onGone) listener(segment.id);
        this.#recordings.missed?.(segment.id);
      }
      throw error;
    }
  }

  /** Bytes of a file at once, at most `maxBytes`. Throws `data_loss` where the file ends before them. */
  async read(segment: Segment, range: ByteRange, maxBytes: number): Promise<Uint8Array> {
    const length = range.end - range.start;
    if (length > maxBytes) {
      const message = `The recorded file ${segment.id} claims ${length} bytes where at most ${maxBytes} can be`;
      throw new WatchpostError(message, { kind: 'data_loss', code: 'PLAYBACK_SIZE' });
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for await (const piece of this.stream(segment, range)) {
      bytes.set(piece.subarray(0, length - at), at);
      at += Math.min(piece.length, length - at);
    }
    if (at === length) return bytes;
    const message = `The recorded file ${segment.id} ends at byte ${range.start + at} of ${range.end}; run "watchpost index"`;
    throw new WatchpostError(message, { kind: 'data_loss', code: 'PLAYBACK_SHORT_FILE' });
  }
}
