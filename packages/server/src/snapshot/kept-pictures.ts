import type { Clock } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { RecordingQuery, Segment, StorageBackend } from '../catalog/types.ts';
import { maxPictureBytes } from '../decode/jpeg-decoder.ts';

const dayMs = 24 * 3600_000;
const sweepEveryMs = 3600_000;
/** Pictures of one stream on one backend; the oldest go. */
const maxPerStream = 50_000;

/** Where pictures are kept. */
export interface KeptPicturesOptions {
  readonly recordings: RecordingQuery;
  /** By name. */
  readonly backends: ReadonlyMap<string, StorageBackend>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asked for at each sweep: the configuration may change. */
  readonly retentionDays: () => number;
  /** Beginning of the oldest file of key pictures of each stream, which may outlive its recordings. */
  readonly oldestKept?: () => Promise<ReadonlyMap<string, number>>;
}

/** Key of a rendered key picture: `STREAM/keyframes/2026-02-11/1707624000123.jpg`, UTC. */
export function pictureKey(streamId: string, timeMs: number): string {
  return `${streamId}/keyframes/${new Date(timeMs).toISOString().slice(0, 10)}/${Math.round(timeMs)}.jpg`;
}

/** Rendered key pictures beside the recordings that they are from. Losing one costs no more than rendering it again. */
export class KeptPictures implements Disposable {
  readonly #options: KeptPicturesOptions;
  #cancelSweep: () => void;
  #streams = new Set<string>();

  constructor(options: KeptPicturesOptions) {
    this.#options = options;
    this.#cancelSweep = options.clock.after(sweepEveryMs, () => this.#sweepLater());
  }

  /** The picture, where it is kept. */
  async read(segment: Segment, timeMs: number): Promise<Uint8Array | undefined> {
    try {
      const backend = this.#options.backends.get(segment.backend);
      const pieces: Uint8Array[] = [];
      let bytes = 0;
      for await (const piece of backend?.read(pictureKey(segment.streamId, timeMs)) ?? []) {
        bytes += piece.length;
        if (bytes > maxPictureBytes) return undefined;
        pieces.push(piece);
      }
      const jpeg = new Uint8Array(Buffer.concat(pieces));
      // One that was being written when the power went has no end.
      return jpeg.length > 4 && jpeg.at(-2) === 0xff && jpeg.at(-1) === 0xd9 ? jpeg : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps a picture; where that fails it is rendered again next time. */
  async write(segment: Segment, timeMs: number, jpeg: Uint8Array): Promise<void> {
    const { backends, logger } = this.#options;
    const key = pictureKey(segment.streamId, timeMs);
    this.#streams.add(segment.streamId);
    try {
      const backend = backends.get(segment.backend);
      await backend?.remove(key);
      const file = await backend?.create(key, AbortSignal.timeout(10_000));
      await file?.append(jpeg);
      await file?.close();
    } catch (error) {
      logger.debug('A picture was not kept', { key, error });
    }
  }

  /** Deletes what is older than its days, or than all recordings of its stream; a backend that fails is tried again next time. */
  async sweep(): Promise<void> {
    const { recordings, backends, clock, logger, retentionDays } = this.#options;
    const oldestOf = new Map((await recordings.recordedStreams()).map((one) => [one.streamId, one.oldestMs]));
    for (const [streamId, oldestMs] of (await this.#options.oldestKept?.()) ?? [])
      oldestOf.set(streamId, Math.min(oldestMs, oldestOf.get(streamId) ?? oldestMs));
    const beforeMs = clock.wallMs() - retentionDays() * dayMs;
    const streams = new Set([...oldestOf.keys(), ...this.#streams]);
    let isSwept = true;
    for (const backend of [...backends.values()]) {
      try {
        for (const streamId of streams)
          await sweepStream(backend, streamId, Math.max(beforeMs, oldestOf.get(streamId) ?? Number.POSITIVE_INFINITY));
      } catch (error) {
        isSwept = false;
        logger.warn('Old pictures could not be deleted', { backend: backend.name, error });
      }
    }
    for (const streamId of streams) if (isSwept && !oldestOf.has(streamId)) this.#streams.delete(streamId);
  }

  [Symbol.dispose](): void {
    this.#cancelSweep();
  }

  #sweepLater(): void {
    const { clock, logger } = this.#options;
    this.#cancelSweep = clock.after(sweepEveryMs, () => this.#sweepLater());
    this.sweep().catch((error) => logger.warn('Old pictures could not be deleted', { error }));
  }
}

async function sweepStream(backend: StorageBackend, streamId: string, oldestMs: number): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of backend.list(`${streamId}/keyframes/`)) if (key.endsWith('.jpg')) keys.push(key);
  const tooMany = keys.length - maxPerStream;
  for (const [index, key] of keys.entries()) {
    const timeMs = Number(/(\d+)\.jpg$/.exec(key)?.[1] ?? 0);
    if (index < tooMany || timeMs < oldestMs) await backend.remove(key);
  }
}
