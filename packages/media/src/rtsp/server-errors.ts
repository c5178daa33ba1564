import { WatchpostError } from '@watchpost/base/errors.ts';

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
