/** Bytes of an answer that are read. */
const maxAnswerBytes = 64 * 1024;

/** One request to another system. */
export interface HttpCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What was answered. */
export interface HttpAnswer {
  readonly status: number;
  /** Undefined where it is no JSON. */
  readonly json: unknown;
  /** The beginning of the answer, for a person. */
  readonly text: string;
}

/** Sends a request; redirects are answers, so that credentials never go elsewhere. Throws what `fetch` does. */
export async function call({ method, url, headers, body, timeoutMs, signal }: HttpCall): Promise<HttpAnswer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    ...(body !== undefined && { body }),
  });
  const text = await readText(response);
  return { status: response.status, json: parse(text), text: text.slice(0, 200) };
}

async function readText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body) {
    bytes += part.length;
    parts.push(part);
    if (bytes > maxAnswerBytes) break;
  }
  return new TextDecoder().decode(Buffer.concat(parts).subarray(0, maxAnswerBytes));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Why a request got no answer, for a person. */
export function reasonOf(thrown: unknown, timeoutMs: number): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === 'TimeoutError') return `it did not answer within ${timeoutMs / 1000} s`;
  const cause = thrown.cause as { code?: string; message?: string } | undefined;
  return cause?.code ?? cause?.message ?? thrown.message;
}
