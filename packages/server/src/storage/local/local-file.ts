import { close, fdatasync, fsync, ftruncate, open, write, writev } from 'node:fs';
import { concatBytes } from '@watchpost/base/bytes.ts';
import type { SegmentFile } from '../../catalog/types.ts';
import { toStorageError } from './storage-error.ts';
import type { VolumeTurns } from './volume-turns.ts';

/** What a growing file needs to know. */
export interface LocalFileOptions {
  readonly fd: number;
  readonly backend: string;
  readonly key: string;
  readonly turns: VolumeTurns;
  /** Throws while the volume is missing. */
  readonly check: () => void;
  /** Makes the file's name and the folders above it survive a power cut. */
  readonly syncFolders: () => Promise<void>;
}

/** A growing file on a local disk. Plain callbacks: one write a second for each of hundreds of files. */
export class LocalFile implements SegmentFile {
  readonly #options: LocalFileOptions;
  #bytes = 0;
  #named = false;
  #broken: Error | undefined;

  constructor(options: LocalFileOptions) {
    this.#options = options;
  }

  append(...parts: readonly Uint8Array[]): Promise<void> {
    return this.#options.turns.write(() => this.#append(parts));
  }

  async sync(): Promise<void> {
    const { fd, backend, key } = this.#options;
    try {
      await this.#options.turns.write(
        () => new Promise<void>((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve()))),
      );
      if (this.#named) return;
      await this.#options.syncFolders();
      this.#named = true;
    } catch (error) {
      // After a failed sync the kernel may have dropped the pages: what is there now is unknown, so nothing more goes here.
      this.#broken = toStorageError(error, backend, key);
      throw this.#broken;
    }
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      close(this.#options.fd, (error) =>
        error ? reject(toStorageError(error, this.#options.backend, this.#options.key)) : resolve(),
      );
    });
  }

  #append(parts: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      try {
        this.#options.check();
        if (this.#broken) throw this.#broken;
      } catch (error) {
        reject(error);
        return;
      }
      let length = 0;
      for (const part of parts) length += part.length;
      writev(this.#options.fd, parts, this.#bytes, (error, written) => {
        if (error) this.#cutBack(error, reject);
        else if (written === length) this.#grew(length, resolve);
        else this.#appendRest(concatBytes(parts), written, { resolve, reject });
      });
    });
  }

  #grew(length: number, resolve: () => void): void {
    this.#bytes += length;
    resolve();
  }

  /** A disk that is nearly full takes a part; the next write says why. */
  #appendRest(bytes: Uint8Array, from: number, done: { resolve: () => void; reject: (error: Error) => void }): void {
    write(this.#options.fd, bytes, from, bytes.length - from, this.#bytes + from, (error, written) => {
      if (error) this.#cutBack(error, done.reject);
      else if (from + written < bytes.length) this.#appendRest(bytes, from + written, done);
      else this.#grew(bytes.length, done.resolve);
    });
  }

  #cutBack(cause: Error, reject: (error: Error) => void): void {
    const error = toStorageError(cause, this.#options.backend, this.#options.key);
    ftruncate(this.#options.fd, this.#bytes, (failed) => {
      if (failed) this.#broken = error;
      reject(error);
    });
  }
}

/** `fsync` of a directory: makes the names in it survive a power cut. */
export function syncDirectory(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    open(path, 'r', (openError, fd) => {
      if (openError) return reject(openError);
      fsync(fd, (error) => {
        close(fd, () => (error ? reject(error) : resolve()));
      });
    });
  });
}
