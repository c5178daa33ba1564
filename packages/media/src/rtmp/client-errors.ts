import { type ErrorKind, WatchpostError } from '@watchpost/base/errors.ts';

const maxText = 200;

/** `connect` was refused; servers say why in words of their own. */
export function connectionRefused(description: string): WatchpostError {
  const isLogin = /auth|denied|reject.*(user|password)|permission/i.test(description);
  return failure(
    isLogin ? 'unauthenticated' : 'unavailable',
    isLogin ? 'RTMP_LOGIN_REFUSED' : 'RTMP_CONNECT_REFUSED',
    `The RTMP server refused the connection${tell(description)} — check the application in the address${isLogin ? ', the user and the password' : ''}`,
  );
}

/** `play` was refused. */
export function playRefused(status: { readonly code: string; readonly description: string }): WatchpostError {
  const isMissing = status.code === 'NetStream.Play.StreamNotFound';
  return failure(
    isMissing ? 'not_found' : kindOf(status.description),
    isMissing ? 'RTMP_STREAM_NOT_FOUND' : 'RTMP_PLAY_REFUSED',
    `The RTMP server does not play this stream${tell(status.description || status.code)} — check its name, and that somebody publishes it`,
  );
}

/** `publish` was refused. */
export function publishRefused(status: { readonly code: string; readonly description: string }): WatchpostError {
  return failure(
    status.code.endsWith('Denied') ? 'unauthenticated' : kindOf(status.description),
    'RTMP_PUBLISH_REFUSED',
    `The RTMP server does not take this stream${tell(status.description || status.code)} — check the stream key, and that nobody else publishes it`,
  );
}

/** The other side said that it is over. */
export function streamEnded(description: string): WatchpostError {
  return failure('unavailable', 'SOURCE_ENDED', description.slice(0, maxText));
}

/** One server sent us to the next too often. */
export function tooManyRedirects(): WatchpostError {
  return failure(
    'unavailable',
    'RTMP_REDIRECTS',
    'The RTMP server asked for a new connection again and again; given up',
  );
}

function kindOf(description: string): ErrorKind {
  return /auth|denied|permission|password/i.test(description) ? 'unauthenticated' : 'unavailable';
}

function tell(description: string): string {
  return description === '' ? '' : ` ("${description.slice(0, maxText)}")`;
}

function failure(kind: ErrorKind, code: string, message: string): WatchpostError {
  return new WatchpostError(message, { kind, code });
}
