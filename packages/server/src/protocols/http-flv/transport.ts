import type { Duplex } from 'node:stream';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { WebSocket } from 'ws';
import type { EndlessAnswer } from '../../net/media-answer.ts';
import { closeCodeOf } from '../../net/web-socket-close.ts';
import { maxHeadBytes, writeMessageHead } from '../../net/web-socket-head.ts';

/** Media type of FLV. */
export const flvType = 'video/x-flv';

/** How FLV goes to one viewer. */
export interface Transport {
  readonly socket: Duplex;
  /** Writes what stands before the first media. */
  begin(): void;
  /** Bytes that only this viewer gets, ready to be written. */
  wrap(bytes: Uint8Array): Uint8Array;
  /** Batches go out as WebSocket messages. */
  readonly messages: boolean;
  /** Says why and closes. `hasBegun`: media were sent. */
  end(reason: WatchpostError, hasBegun: boolean): void;
}

/** An HTTP answer without a length. */
export function httpTransport(answer: EndlessAnswer): Transport {
  return {
    socket: answer.socket,
    begin: () => answer.begin(),
    wrap: (bytes) => bytes,
    messages: false,
    end: (reason, hasBegun) => answer.end(reason, hasBegun),
  };
}

/** Binary messages of a WebSocket, written past it, as they are the same for all. */
export function webSocketTransport(webSocket: WebSocket, socket: Duplex): Transport {
  return {
    socket,
    begin: () => {},
    wrap: (bytes) => {
      const message = new Uint8Array(maxHeadBytes + bytes.length);
      message.set(bytes, maxHeadBytes);
      return message.subarray(writeMessageHead(message, maxHeadBytes, bytes.length));
    },
    messages: true,
    end: (reason) => webSocket.close(closeCodeOf(reason), reason.code),
  };
}
