/** One attempt to deliver a body. */
export interface Delivery {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * What an attempt came to. `refused`: the receiver will not take this one, whatever happens (RFC 9110 §15.5: 400, 413,
 * 415, 422). `failed`: worth another attempt, after `retryAfterMs` where it said so.
 */
export type Outcome =
  | { readonly result: 'delivered' }
  | { readonly result: 'refused' | 'failed'; readonly why: string; readonly retryAfterMs?: number };

const refusals = [400, 413, 415, 422];
const maxRedirects = 3;
/** A receiver may ask for a pause of so long at most. */
export const maxRetryAfterMs = 3_600_000;

/** Sends a body by POST. Follows redirects on the same origin only, so that a signed event never goes elsewhere. */
export async function post(delivery: Delivery): Promise<Outcome> {
  const signal = AbortSignal.any([delivery.signal, AbortSignal.timeout(delivery.timeoutMs)]);
  const { url: target, authorization } = splitCredentials(delivery.url);
  const headers = { ...delivery.headers, ...(authorization !== undefined && { authorization }) };
  let url = target;
  try {
    for (let redirects = 0; ; redirects++) {
      const response = await fetch(url, { method: 'POST', redirect: 'manual', body: delivery.body, headers, signal });
      await response.body?.cancel();
      const next = redirectOf(response, url);
      if (next === undefined) return outcomeOf(response);
      if (new URL(next).origin !== new URL(target).origin)
        return { result: 'failed', why: `it redirects to another host, ${new URL(next).origin}` };
      if (redirects >= maxRedirects) return { result: 'failed', why: 'it redirects in a circle' };
      url = next;
    }
  } catch (thrown) {
    return { result: 'failed', why: reasonOf(thrown, delivery.timeoutMs) };
  }
}

function splitCredentials(text: string): { url: string; authorization?: string } {
  const url = new URL(text);
  if (url.username === '' && url.password === '') return { url: text };
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = url.password = '';
  return { url: url.href, authorization: `Basic ${Buffer.from(login).toString('base64')}` };
}

function redirectOf(response: Response, from: string): string | undefined {
  const location = response.headers.get('location');
  if (response.status < 300 || response.status > 399 || location === null) return undefined;
  return URL.canParse(location, from) ? new URL(location, from).href : undefined;
}

function outcomeOf(response: Response): Outcome {
  if (response.ok) return { result: 'delivered' };
  const why = `it answered ${response.status}`;
  if (refusals.includes(response.status)) return { result: 'refused', why };
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  if (!(seconds > 0)) return { result: 'failed', why };
  return { result: 'failed', why, retryAfterMs: Math.min(seconds * 1000, maxRetryAfterMs) };
}

function reasonOf(thrown: unknown, timeoutMs: number): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === 'TimeoutError') return `it did not answer within ${timeoutMs / 1000} s`;
  const cause = thrown.cause as { code?: string; message?: string } | undefined;
  return cause?.code ?? cause?.message ?? thrown.message;
}
