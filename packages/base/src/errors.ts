/** Closed list of what can go wrong, for people and programs to decide by: retry or not, HTTP status, log level. */
export type ErrorKind =
  | 'malformed'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'invalid_argument'
  | 'unavailable'
  | 'timeout'
  | 'unsupported'
  | 'resource_exhausted'
  | 'canceled'
  | 'data_loss'
  | 'internal';

/** Details that help to find the place: file, line, address, CSeq, byte offset. Never a secret. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** What `WatchpostError` is made of besides its message. */
export interface ErrorDetails {
  readonly kind: ErrorKind;
  /** Stable and documented, upper snake case with the area first: `RTSP_CSEQ_MISMATCH`. */
  readonly code: string;
  readonly context?: ErrorContext;
  readonly cause?: unknown;
}

/** The one error class. The message tells a person what is wrong, where, and the next step. */
export class WatchpostError extends Error {
  override readonly name = 'WatchpostError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly context: ErrorContext;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = details.kind;
    this.code = details.code;
    this.context = details.context ?? {};
  }
}

/** HTTP status for each kind (RFC 9110). */
export const httpStatusOf: Readonly<Record<ErrorKind, number>> = {
  malformed: 400,
  invalid_argument: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  unsupported: 422,
  resource_exhausted: 429,
  canceled: 499,
  data_loss: 500,
  internal: 500,
  unavailable: 503,
  timeout: 504,
};

/** True where trying the same again later can succeed without anybody changing anything. */
export const isRetryable: Readonly<Record<ErrorKind, boolean>> = {
  malformed: true,
  unauthenticated: true,
  forbidden: false,
  not_found: true,
  conflict: false,
  invalid_argument: false,
  unavailable: true,
  timeout: true,
  unsupported: false,
  resource_exhausted: true,
  canceled: false,
  data_loss: false,
  internal: true,
};

/** Turns whatever was thrown into a `WatchpostError`; one that already is comes back as it is. */
export function toWatchpostError(thrown: unknown, code = 'INTERNAL'): WatchpostError {
  if (thrown instanceof WatchpostError) return thrown;
  if (thrown instanceof Error) {
    const aborted = thrown.name === 'AbortError';
    return new WatchpostError(thrown.message, {
      kind: aborted ? 'canceled' : 'internal',
      code: aborted ? 'CANCELED' : code,
      cause: thrown,
    });
  }
  return new WatchpostError(String(thrown), { kind: 'internal', code });
}
