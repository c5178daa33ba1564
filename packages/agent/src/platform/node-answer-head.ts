import type { Socket } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type AnswerHead, readAnswerHead } from './websocket/upgrade.ts';

const maxHeadBytes = 16 * 1024;

/** How long an answer may take, and what ends the waiting before. */
export interface AnswerWait {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads the head of an answer by HTTP; what came behind it is left in the socket, which is paused. Rejects where none comes
 * (with kind `timeout` where it is late), and the socket is closed then.
 */
export function receiveAnswerHead(socket: Socket, { timeoutMs, signal }: AnswerWait): Promise<AnswerHead> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const settle = () => {
      clearTimeout(timer);
      socket.off('data', onData);
      socket.off('error', fail);
      socket.off('close', onEnd);
      socket.off('end', onEnd);
      signal?.removeEventListener('abort', onAbort);
      socket.pause();
    };
    const fail = (error: unknown) => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new WatchpostError('no answer in time', { kind: 'timeout', code: 'AGENT_TIMEOUT' })),
      timeoutMs,
    );
    const onEnd = () => fail(new Error('it closed the connection'));
    const onAbort = () => fail(signal?.reason);
    const onData = (bytes: Buffer) => {
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf('\r\n\r\n');
      if (end >= 0 && end <= maxHeadBytes) {
        settle();
        if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
        resolve(readAnswerHead(head.toString('latin1', 0, end)));
      } else if (head.length > maxHeadBytes) fail(new Error('its answer is too long'));
    };
    socket.on('data', onData);
    socket.once('error', fail);
    socket.once('close', onEnd);
    socket.once('end', onEnd);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    else if (socket.destroyed) onEnd();
  });
}
