import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import type { JpegDecoder, PictureSize } from '../decode/jpeg-decoder.ts';
import type { Stream } from '../hub/stream.ts';
import { damagedLive } from './damaged-picture.ts';
import { type SnapshotMode, takePictures } from './live-pictures.ts';

/** A picture as JPEG. */
export interface Snapshot {
  readonly jpeg: Uint8Array;
  /** When it was taken, ms since 1970 UTC. */
  readonly capturedMs: number;
  /** Why it is an old one: the stream has no newer. */
  readonly staleReason?: string;
}

/** Which snapshot. */
export interface SnapshotOptions extends PictureSize {
  readonly mode: SnapshotMode;
}

/** Whoever asks again within so long gets the same picture. */
const freshMs = 1000;
/** The last picture of so many streams and sizes, and so many bytes, is kept for when they are offline. */
const maxKept = 2048;
const maxKeptBytes = 128 * 1024 * 1024;

interface Kept {
  readonly atMs: number;
  readonly snapshot: Snapshot;
}

/** JPEG pictures of live streams; those who ask at once share one decode. */
export class LiveSnapshots {
  readonly #decoder: JpegDecoder;
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #kept = new Map<string, Kept>();
  #keptBytes = 0;
  readonly #underWay = new Map<string, Promise<Snapshot>>();

  constructor(parts: { readonly decoder: JpegDecoder; readonly clock: Clock }) {
    this.#decoder = parts.decoder;
    this.#clock = parts.clock;
  }

  /**
   * A picture of the stream. In mode `auto` the last one, with the reason, where there is none now. Throws `unavailable`,
   * `unsupported`, or as `JpegDecoder.toJpeg` does; `unavailable` for what cannot be decoded, too.
   */
  async take(stream: Stream, options: SnapshotOptions): Promise<Snapshot> {
    const { mode, width, height } = options;
    const key = `${stream.id} ${mode} ${width ?? ''}x${height ?? ''}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#clock.monotonicMs() - kept.atMs < freshMs) return kept.snapshot;
    let work = this.#underWay.get(key);
    if (work === undefined) {
      work = this.#make(stream, options, key);
      this.#underWay.set(key, work);
      const forget = () => this.#underWay.delete(key);
      void work.then(forget, forget);
    }
    try {
      return await work;
    } catch (thrown) {
      if (mode !== 'auto' || kept === undefined) throw thrown;
      return { ...kept.snapshot, staleReason: toWatchpostError(thrown).code };
    }
  }

  async #make(stream: Stream, options: SnapshotOptions, key: string): Promise<Snapshot> {
    const { pictures, capturedMs } = await takePictures(stream, options.mode, () => this.#clock.wallMs());
    const jpeg = await this.#decoder.toJpeg(pictures, options).catch(damagedLive(stream.id));
    const snapshot = { jpeg, capturedMs };
    this.#drop(key);
    this.#kept.set(key, { atMs: this.#clock.monotonicMs(), snapshot });
    this.#keptBytes += snapshot.jpeg.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= maxKept && this.#keptBytes <= maxKeptBytes) break;
      this.#drop(oldest);
    }
    return snapshot;
  }

  #drop(key: string): void {
    this.#keptBytes -= this.#kept.get(key)?.snapshot.jpeg.length ?? 0;
    this.#kept.delete(key);
  }
}
