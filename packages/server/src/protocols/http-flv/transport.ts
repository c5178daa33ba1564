import type { Socket } from 'node:net';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { WebSocket } from 'ws';
import { toProblem } from '../../net/problem.ts';
import { maxHeadBytes, writeMessageHead } from '../../net/web-socket-head.ts';
import type { FlvBatch } from './flv-batch.ts';

/** How FLV goes to one viewer. */
export interface Transport {
  readonly socket: Socket;
  /** Bytes before the first media. */
  readonly head: string;
  /** Bytes that only this viewer gets, ready to be written. */
  wrap(bytes: Uint8Array): Uint8Array;
  /** A batch, ready to be written. */
  pick(batch: FlvBatch): Buffer;
  /** Says why and closes. `hasBegun`: media were sent. */
  end(reason: WatchpostError, hasBegun: boolean): void;
}

const answerHead = [
  'HTTP/1.1 200 OK',
  'Content-Type: video/x-flv',
  'Cache-Control: no-store',
  'Access-Control-Allow-Origin: *',
  'X-Content-Type-Options: nosniff',
  // nginx keeps an answer back until its buffers are full, else.
  'X-Accel-Buffering: no',
  'Connection: close',
  '\r\n',
].join('\r\n');

/** An HTTP answer without a length, which ends with the connection (RFC 9112 §6.3). The socket is detached from its request. */
export function httpTransport(socket: Socket): Transport {
  return {
    socket,
    head: answerHead,
    wrap: (bytes) => bytes,
    pick: (batch) => batch.tags,
    end: (reason, hasBegun) => {
      if (hasBegun) socket.end();
      else refuse(socket, reason);
    },
  };
}

/** Binary messages of a WebSocket, written past it, as they are the same for all. */
export function webSocketTransport(webSocket: WebSocket, socket: Socket): Transport {
  return {
    socket,
    head: '',
    wrap: (bytes) => {
      const message = new Uint8Array(maxHeadBytes + bytes.length);
      message.set(bytes, maxHeadBytes);
      return message.subarray(writeMessageHead(message, maxHeadBytes, bytes.length));
    },
    pick: (batch) => batch.message,
    end: (reason) => {
      // RFC 6455 §7.4: 1001 is for a server that goes away, 4000… for applications.
      const code = reason.kind === 'canceled' ? 1001 : reason.kind === 'not_found' ? 4404 : 4500;
      webSocket.close(code, reason.code);
    },
  };
}

/** Answers with a problem document on a bare socket, and closes it. */
export function refuse(socket: Pick<Socket, 'destroyed' | 'end'>, reason: unknown): void {
  if (socket.destroyed) return;
  const problem = toProblem(reason);
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Access-Control-Allow-Origin: *\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
