import { httpStatusOf, toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { fieldsOf, type ProblemField } from './problem-fields.ts';

/** Problem document (RFC 9457 §3), media type `application/problem+json`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Stable, the same as `WatchpostError.code`; lower case where the API promised it so (`defined_in_file`). */
  readonly code: string;
  readonly errors?: readonly ProblemField[];
}

/** Media type of `Problem`. */
export const problemMediaType = 'application/problem+json; charset=utf-8';

/** A `WatchpostError` with the fields that are wrong: `errors[]` of the problem document. */
export class FieldError extends WatchpostError {
  readonly fields: readonly ProblemField[];

  constructor(fields: readonly ProblemField[], code = 'REQUEST_INVALID') {
    super(tellFields(fields), { kind: 'invalid_argument', code });
    this.fields = fields;
  }
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Login needed',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Too large',
  414: 'Address too long',
  415: 'Unsupported media type',
  416: 'No such range',
  422: 'Not supported',
  429: 'Too many requests',
  499: 'Canceled',
  500: 'Internal error',
  503: 'Not available now',
  504: 'No answer in time',
};

/** What fastify itself throws, in our words. */
const frameworkProblems: Readonly<Record<string, { status: number; code: string; detail: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    status: 413,
    code: 'BODY_TOO_LARGE',
    detail: 'the body is larger than this address takes',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    code: 'MEDIA_TYPE_UNSUPPORTED',
    detail: 'send the body as JSON with "Content-Type: application/json"',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    code: 'CONTENT_LENGTH_WRONG',
    detail: 'the body is not as long as Content-Length says',
  },
  FST_ERR_BAD_URL: {
    status: 400,
    code: 'URL_INVALID',
    detail: 'the address has a percent escape that is not UTF-8',
  },
  FST_STATIC_FORBIDDEN_PATH: {
    status: 404,
    code: 'ROUTE_NOT_FOUND',
    detail: 'there is nothing at this address',
  },
  FST_ERR_MAX_PARAM_LENGTH: { status: 414, code: 'URL_INVALID', detail: 'a part of the address is too long' },
};

/** The problem document of whatever was thrown. Nothing of an unexpected error but its code is told to the client. */
export function toProblem(thrown: unknown): Problem {
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const context = (thrown as { validationContext?: string }).validationContext ?? 'body';
    const place = context === 'querystring' ? 'query' : context;
    return fieldsProblem(
      thrown.validation.flatMap((issue) => fieldsOf(issue, place)),
      'REQUEST_INVALID',
    );
  }
  if (thrown instanceof FieldError) return fieldsProblem(thrown.fields, thrown.code);
  if (thrown instanceof SyntaxError && (thrown as { statusCode?: number }).statusCode === 400)
    return problemOf(400, 'JSON_INVALID', `the body is not JSON: ${thrown.message}`);
  if (!(thrown instanceof WatchpostError) && thrown instanceof Error) {
    const { code = '', statusCode = 500 } = thrown as { code?: string; statusCode?: number };
    if (code === 'FST_ERR_CTP_INVALID_JSON_BODY') return problemOf(400, 'JSON_INVALID', 'the body is not JSON');
    const known = frameworkProblems[code];
    if (known) return problemOf(known.status, known.code, known.detail);
    if (statusCode >= 400 && statusCode < 500) return problemOf(statusCode, code || 'REQUEST_INVALID', thrown.message);
    return problemOf(500, 'INTERNAL', 'something went wrong inside the server — its log says what');
  }
  const error = toWatchpostError(thrown);
  return problemOf(httpStatusOf[error.kind], error.code, error.message);
}

/** A problem document with the title of its status. */
export function problemOf(status: number, code: string, detail: string): Problem {
  return { type: 'about:blank', title: titles[status] ?? `Status ${status}`, status, detail, code };
}

function fieldsProblem(errors: readonly ProblemField[], code: string): Problem {
  return { ...problemOf(400, code, tellFields(errors)), errors };
}

/** What concerns no field, as a file that cannot be read, stands by itself. */
function tellFields(fields: readonly ProblemField[]): string {
  return fields.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ');
}
