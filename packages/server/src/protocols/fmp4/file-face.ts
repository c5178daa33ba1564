import type { Socket } from 'node:net';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { LiveChunk, LiveInit } from '../../hub/live-fmp4/live-chunk.ts';
import type { ViewerFace } from '../../hub/live-viewer.ts';
import { endAnswer, endlessAnswerHead, refuseOn } from '../../net/media-answer.ts';

/** Media type of the answer. */
export const fmp4Type = 'video/mp4';

/**
 * A file that never ends, over plain HTTP: the init segment, then the chunks that all viewers get. A file has one `moov`,
 * so it ends where the parameters of the stream change; players ask again.
 */
export class FileFace implements ViewerFace<LiveChunk> {
  readonly socket: Socket;
  #init: LiveInit | undefined;

  /** The socket is detached from its request. */
  constructor(socket: Socket) {
    this.socket = socket;
  }

  takes(chunk: LiveChunk): boolean {
    return this.#init === undefined || chunk.init === this.#init;
  }

  show(chunk: LiveChunk): number {
    if (this.#init === undefined) {
      this.#init = chunk.init;
      this.socket.write(endlessAnswerHead(fmp4Type), 'latin1');
      this.socket.write(chunk.init.bytes);
    }
    this.socket.write(chunk.bytes);
    return chunk.bytes.length;
  }

  end(reason: WatchpostError, hasBegun: boolean): void {
    if (hasBegun) endAnswer(this.socket);
    else refuseOn(this.socket, reason);
  }
}
