import { emptyBytes } from '@watchpost/base/bytes.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { RtspRequest } from './message.ts';

/** Stands for a request that could not be read: its answer has no CSeq. */
export const unreadable: RtspRequest = { method: '', url: '', headers: [], body: emptyBytes };

/** Reason of the answer to what could not be read, in printable ASCII: the usual words, and what is wrong. */
export function unreadableReason(thrown: unknown, words = 'Bad Request'): string {
  return `${words} (${toWatchpostError(thrown)
    .message.replaceAll(/[^\x20-\x7e]+/g, '-')
    .slice(0, 200)})`;
}

/** `malformed` (`RTSP_GARBAGE`): whoever connected speaks another protocol. */
export function notRtsp(): WatchpostError {
  return new WatchpostError('what came before the first request is no RTSP', {
    kind: 'malformed',
    code: 'RTSP_GARBAGE',
  });
}

/** `timeout` (`RTSP_SESSION_TIMEOUT`): a session without signs of life. */
export function sessionTimeout(timeoutMs: number): WatchpostError {
  return new WatchpostError('the client sent no keep-alive within the session timeout', {
    kind: 'timeout',
    code: 'RTSP_SESSION_TIMEOUT',
    context: { timeoutMs },
  });
}
