import type { Duplex } from 'node:stream';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { LiveChunk, LiveInit } from '../../hub/live-fmp4/live-chunk.ts';
import type { ViewerFace } from '../../hub/live-viewer.ts';
import type { EndlessAnswer } from '../../net/media-answer.ts';

/** Media type of the answer. */
export const fmp4Type = 'video/mp4';

/**
 * A file that never ends, over plain HTTP: the init segment, then the chunks that all viewers get. A file has one `moov`,
 * so it ends where the parameters of the stream change; players ask again.
 */
export class FileFace implements ViewerFace<LiveChunk> {
  readonly socket: Duplex;
  readonly #answer: EndlessAnswer;
  #init: LiveInit | undefined;

  constructor(answer: EndlessAnswer) {
    this.#answer = answer;
    this.socket = answer.socket;
  }

  takes(chunk: LiveChunk): boolean {
    return this.#init === undefined || chunk.init === this.#init;
  }

  show(chunk: LiveChunk): Uint8Array {
    if (this.#init === undefined) {
      this.#init = chunk.init;
      this.#answer.begin();
      this.socket.write(chunk.init.bytes);
    }
    return chunk.bytes;
  }

  end(reason: WatchpostError, hasBegun: boolean): void {
    this.#answer.end(reason, hasBegun);
  }
}
