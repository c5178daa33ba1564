import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { ByteRange } from './byte-range.ts';
import { readFile } from './local-file.ts';
import type { Mp4Files, RecordedRange } from './mp4-files.ts';
import type { Mp4Gap } from './mp4-slices.ts';

/** How much of the work is reading the tables of the files; the rest is copying. */
const composeShare = 0.1;

/** What an export is doing. */
export type ExportState = 'queued' | 'running' | 'done' | 'failed';

/** What a job works with. */
export interface ExportParts {
  readonly mp4Files: Mp4Files;
  /** Where its files are, `ID.*`. */
  readonly directory: string;
  /** Throws `resource_exhausted` where so many bytes do not fit. */
  readonly checkSpace: (bytes: number) => Promise<void>;
}

/** One export: recordings written as one MP4 file that stays until it is fetched, or too old. */
export class ExportJob {
  readonly id: string;
  readonly range: RecordedRange;
  readonly createdMs: number;
  state: ExportState = 'queued';
  /** 0…1 */
  progress = 0;
  /** Of the file; 0 until they are known. */
  bytes = 0;
  /** Wall time of the first picture, and of the end of the last one, ms since 1970 UTC, once known. */
  startMs: number | undefined;
  endMs: number | undefined;
  gaps: readonly Mp4Gap[] = [];
  error: WatchpostError | undefined;
  /** When the file goes, ms since 1970 UTC. */
  expiresMs: number | undefined;
  readonly #parts: ExportParts;
  readonly #control = new AbortController();

  constructor(id: string, range: RecordedRange, parts: ExportParts & { readonly createdMs: number }) {
    this.id = id;
    this.range = range;
    this.createdMs = parts.createdMs;
    this.#parts = parts;
  }

  /** Where the finished file is. */
  get path(): string {
    return join(this.#parts.directory, `${this.id}.mp4`);
  }

  /** True once it was told to end. */
  get isCanceled(): boolean {
    return this.#control.signal.aborted;
  }

  /** Ends the work under way. */
  cancel(reason: WatchpostError): void {
    this.#control.abort(reason);
  }

  /** Writes the file. Rejects with what went wrong; no file is left then. */
  async write(): Promise<void> {
    const soundPath = join(this.#parts.directory, `${this.id}.sound`);
    const partPath = join(this.#parts.directory, `${this.id}.part`);
    // Retention must not take away what is being copied.
    using leases = new DisposableStack();
    try {
      const file = await this.#compose(soundPath, leases);
      this.bytes = file.bytes;
      this.startMs = file.startMs;
      this.endMs = file.endMs;
      this.gaps = file.gaps;
      await this.#parts.checkSpace(file.bytes);
      const sound = (range: ByteRange) => readFile(soundPath, range);
      await this.#copy(this.#parts.mp4Files.read(file, { start: 0, end: file.bytes }, sound), partPath);
      await rename(partPath, this.path);
      this.progress = 1;
    } finally {
      await rm(soundPath, { force: true });
      await rm(partPath, { force: true });
    }
  }

  async #compose(soundPath: string, leases: DisposableStack) {
    const sound = await open(soundPath, 'w');
    let pending: Uint8Array[] = [];
    let taken = 0;
    const drain = async () => {
      const parts = pending;
      pending = [];
      if (parts.length > 0) await sound.writev(parts);
    };
    try {
      const file = await this.#parts.mp4Files.compose(this.range, {
        signal: this.#control.signal,
        leases,
        drain,
        onProgress: (done) => {
          this.progress = done * composeShare;
        },
        keepSound: (bytes) => {
          pending.push(bytes);
          taken += bytes.length;
          return taken - bytes.length;
        },
      });
      await drain();
      return file;
    } finally {
      await sound.close();
    }
  }

  async #copy(pieces: AsyncIterable<Uint8Array>, path: string): Promise<void> {
    const target = await open(path, 'wx');
    try {
      let written = 0;
      for await (const piece of pieces) {
        this.#control.signal.throwIfAborted();
        await target.writeFile(piece);
        written += piece.length;
        this.progress = composeShare + (written / this.bytes) * (1 - composeShare);
      }
    } finally {
      await target.close();
    }
  }
}
