import { type ErrorKind, toWatchpostError } from '@watchpost/base/errors.ts';
import type { RtspHeaders } from '@watchpost/media/rtsp/message.ts';
import type { ServedRefusal } from '@watchpost/media/rtsp/server.ts';

/** RTSP status of an error (RFC 2326 §7.1.1). */
const statusOf: Readonly<Record<ErrorKind, number>> = {
  malformed: 400,
  invalid_argument: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 403,
  unsupported: 415,
  resource_exhausted: 453,
  canceled: 503,
  data_loss: 500,
  internal: 500,
  unavailable: 503,
  timeout: 503,
};

/** Where the code says more than the kind. */
const statusOfCode: Readonly<Record<string, number>> = {
  LOGIN_THROTTLED: 503,
  LOGIN_BUSY: 503,
  REPLAY_EMPTY: 457,
  REPLAY_NOT_LIVE: 457,
};

const names: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  415: 'Unsupported Media Type',
  457: 'Invalid Range',
  453: 'Not Enough Bandwidth',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The answer that tells a client why, with `challenges` in a 401; players show the reason, so it says what to do. */
export function refusalOf(thrown: unknown, challenges: RtspHeaders = []): ServedRefusal {
  const error = toWatchpostError(thrown);
  const status = statusOfCode[error.code] ?? statusOf[error.kind];
  const retryAfter = error.context['retryAfterSeconds'];
  const text = status === 500 ? '' : error.message.replaceAll(/[^\x20-\x7e]+/g, '-').slice(0, 200);
  return {
    status,
    reason: `${names[status]}${text && ` (${text})`}`,
    headers: [
      ...(status === 401 ? challenges : []),
      ...(typeof retryAfter === 'number' ? [['Retry-After', String(Math.ceil(retryAfter))] as const] : []),
    ],
  };
}
