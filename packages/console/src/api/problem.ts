/** What the API (or the network) answered instead of what was asked for (RFC 9457). `status` is 0 where nothing answered. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  readonly code: string;

  constructor(message: string, details: { status: number; code: string }) {
    super(message);
    this.status = details.status;
    this.code = details.code;
  }
}

/** Reads a problem document; a body that is none still gives a usable problem. */
export function toProblem(status: number, body: unknown): ApiProblem {
  const record = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const message = [record['detail'], record['title']].find((text) => typeof text === 'string' && text !== '');
  const code = typeof record['code'] === 'string' ? record['code'] : `HTTP_${status}`;
  return new ApiProblem(typeof message === 'string' ? message : `HTTP ${status}`, { status, code });
}
