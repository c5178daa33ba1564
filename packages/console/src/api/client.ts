import { ApiProblem, toProblem } from './problem.ts';
import { reportReach } from './reach.ts';

/** Where the API is. */
export const apiBase = '/api/v1';

/** What is asked is answered at once; what is done may wait for a camera or an agent. */
const readTimeoutMs = 30_000;
const changeTimeoutMs = 90_000;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What goes with a request. Query values that are undefined are left out. */
export interface RequestParts {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

const lostListeners = new Set<() => void>();

/** Calls back when an answer says that the session has ended. Returns the function that stops it. */
export function onSessionLost(listener: () => void): () => void {
  lostListeners.add(listener);
  return () => lostListeners.delete(listener);
}

/** Tells all listeners that the session has ended, as seen by something else than a request (a WebSocket). */
export function reportSessionLost(): void {
  for (const listener of lostListeners) listener();
}

/** Address of an API path with its query. */
export function apiUrl(path: string, query: RequestParts['query'] = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return `${apiBase}${path}${text === '' ? '' : `?${text}`}`;
}

/** Asks the API. Throws `ApiProblem`; status 0, code `OFFLINE` where the server does not answer. */
export async function request<T>(method: Method, path: string, parts: RequestParts = {}): Promise<T> {
  const init: RequestInit = { method, credentials: 'same-origin', headers: { accept: 'application/json' } };
  if (parts.body !== undefined) {
    init.body = JSON.stringify(parts.body);
    init.headers = { accept: 'application/json', 'content-type': 'application/json' };
  }
  const timeout = AbortSignal.timeout(method === 'GET' ? readTimeoutMs : changeTimeoutMs);
  init.signal = parts.signal ? AbortSignal.any([parts.signal, timeout]) : timeout;
  let response: Response;
  let text: string;
  try {
    response = await fetch(apiUrl(path, parts.query), init);
    text = await response.text();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    reportReach(false);
    throw new ApiProblem(String(error), { status: 0, code: 'OFFLINE' });
  }
  reportReach(true);
  const body = text === '' ? null : parseJson(text);
  if (response.ok) return body as T;
  if (response.status === 401 && path !== '/login' && path !== '/setup') reportSessionLost();
  throw toProblem(response.status, body);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
