import { equalBytes } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { codecString } from '@watchpost/media/container/fmp4/codec-string.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { writeIdentityBox } from '@watchpost/media/container/fmp4/identity-box.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { FragmentEntry, Segment, SegmentFile, StorageBackend } from '../../catalog/types.ts';
import { describeTracks } from '../carried-tracks.ts';
import { keyFileKey } from '../segment-key.ts';
import type { StoredPicture } from './read-key-pictures.ts';

const maxNameAttempts = 100;

/** A file of key pictures that is being written: each is a fragment of its own, at its own time. */
export class KeyFileWriter {
  readonly track: Track;
  readonly #backend: StorageBackend;
  readonly #streamId: string;
  readonly #id: string;
  readonly #startMs: number;
  readonly #initBytes: number;
  readonly #fragments: FragmentEntry[] = [];
  #place: { readonly file: SegmentFile; readonly key: string } | undefined;
  #head: Uint8Array | undefined;
  #bytes: number;

  /** Nothing is written yet. */
  constructor(backend: StorageBackend, streamId: string, first: StoredPicture) {
    this.track = first.track;
    this.#backend = backend;
    this.#streamId = streamId;
    this.#startMs = first.timeMs;
    const runId = `key${Math.floor(first.timeMs).toString(36)}${streamId}`;
    this.#id = `~${runId}-0`;
    const identity = writeIdentityBox({
      ...{ volumeId: backend.name, streamId, runId, sequence: 0, wallMs: first.timeMs },
      firstDts: [0],
    });
    this.#head = writeInitSegment([first.track], { identity });
    this.#initBytes = this.#bytes = this.#head.length;
  }

  /** True where the picture has the parameter sets of this file. */
  takes({ track }: StoredPicture): boolean {
    return sameParameters(track, this.track);
  }

  /** Writes pictures with one append, in memory from `allocate`; `nextMs` is when the last of them ends. */
  async append(
    pictures: readonly StoredPicture[],
    nextMs: number,
    allocate: (bytes: number) => Uint8Array,
  ): Promise<void> {
    const parts: Uint8Array[] = [];
    let at = this.#bytes;
    const entries: FragmentEntry[] = [];
    for (let i = 0; i < pictures.length; i++) {
      const picture = pictures[i]!;
      const endMs = Math.max(pictures[i + 1]?.timeMs ?? nextMs, picture.timeMs + 1);
      const bytes = this.#fragment(picture, endMs, allocate);
      parts.push(bytes);
      const { timeMs: startMs } = picture;
      entries.push({ offset: at, bytes: bytes.length, startMs, durationMs: endMs - startMs, key: true });
      at += bytes.length;
    }
    this.#place ??= await this.#create();
    const head = this.#head;
    await (head === undefined ? this.#place.file.append(...parts) : this.#place.file.append(head, ...parts));
    this.#head = undefined;
    this.#bytes = at;
    this.#fragments.push(...entries);
  }

  /** Makes it last; what its row says. `endMs`: end of the stretch that it was made of. */
  async finish(stretch: { startMs: number; endMs: number }): Promise<{ file: Segment; fragments: FragmentEntry[] }> {
    const { file, key } = this.#place!;
    await file.sync();
    await file.close();
    return {
      file: {
        ...{ id: this.#id, streamId: this.#streamId, runId: this.#id.slice(1), sequence: 0, key, ...stretch },
        ...{ backend: this.#backend.name, bytes: this.#bytes, initBytes: this.#initBytes, locked: false, closed: true },
        codecs: codecString([this.track]),
        tracks: describeTracks([this.track]),
      },
      fragments: this.#fragments,
    };
  }

  /** Leaves nothing behind. */
  async abandon(): Promise<void> {
    const place = this.#place;
    if (place === undefined) return;
    await place.file.close().catch(() => {});
    await this.#backend.remove(place.key).catch(() => {});
  }

  #fragment(
    { timeMs, units, byteLength }: StoredPicture,
    endMs: number,
    allocate: (bytes: number) => Uint8Array,
  ): Uint8Array {
    const { track } = this;
    const ticks = (ms: number) => Math.round(((ms - this.#startMs) * track.clockRate) / 1000);
    const dts = ticks(timeMs);
    const sample: Sample = { track, dts, pts: dts, key: true, units, byteLength, wallMs: timeMs, lost: 0 };
    return writeFragment(this.#fragments.length + 1, [{ track, samples: [sample], nextDts: ticks(endMs) }], allocate);
  }

  async #create(): Promise<{ file: SegmentFile; key: string }> {
    for (let attempt = 1; attempt <= maxNameAttempts; attempt++) {
      const key = keyFileKey(this.#streamId, this.#startMs, attempt);
      try {
        return { key, file: await this.#backend.create(key, AbortSignal.timeout(30_000)) };
      } catch (error) {
        if (!(error instanceof WatchpostError) || error.kind !== 'conflict') throw error;
      }
    }
    throw new WatchpostError(`${maxNameAttempts} files of key pictures of "${this.#streamId}" have one name`, {
      kind: 'conflict',
      code: 'RECORDING_NAME_TAKEN',
    });
  }
}

function sameParameters(a: Track, b: Track): boolean {
  if (a === b) return true;
  if (a.codec !== b.codec || a.clockRate !== b.clockRate || a.parameterSets.length !== b.parameterSets.length)
    return false;
  return a.parameterSets.every((set, i) => equalBytes(set, b.parameterSets[i]!));
}
