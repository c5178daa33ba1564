import { type IncomingMessage, request } from 'node:http';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { chooseChallenge, parseChallenges, writeAuthorization } from '@watchpost/media/rtsp/digest.ts';
import { dialError } from './dial.ts';
import { type DialContext, dialSecure } from './dial-tls.ts';

const answerWithinMs = 10_000;
const maxRedirects = 5;
const maxHeadBytes = 16 * 1024;

/** What is asked for. */
export interface HttpGetOptions extends DialContext {
  readonly userAgent: string;
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  /** See `SecureTarget`. */
  readonly fingerprint?: string | undefined;
  /** `bytes=0-99` (RFC 9110 §14.2). */
  readonly range?: string;
}

/** An answer of status 2xx; whoever takes it reads or destroys its body. */
export interface HttpAnswer {
  /** Where it came from at last. */
  readonly url: string;
  readonly body: IncomingMessage;
}

/**
 * GET over a connection of its own, for sources of media: follows redirects (credentials stay with their host; never from
 * https to http), answers Basic and Digest challenges. The body ends when the signal aborts. Rejects with
 * `unauthenticated` (`HTTP_LOGIN_REFUSED`), `not_found`, `unavailable` (`HTTP_STATUS`, `HTTP_FAILED`), `timeout`, and as
 * `dialSecure`.
 */
export async function httpGet(address: string, options: HttpGetOptions): Promise<HttpAnswer> {
  let url = address;
  let authorization: string | undefined;
  for (let redirects = 0; ; ) {
    const sameHost = new URL(url).host === new URL(address).host;
    const body = await ask(url, sameHost ? { ...options, authorization } : { ...options, fingerprint: undefined });
    const status = body.statusCode ?? 0;
    if (status >= 200 && status < 300) return { url, body };
    body.destroy();
    const { location } = body.headers;
    if (status >= 300 && status < 400 && location !== undefined && redirects++ < maxRedirects) {
      url = redirected(url, location);
      continue;
    }
    const { credentials } = options;
    const challenge =
      status === 401 && credentials && authorization === undefined && sameHost
        ? chooseChallenge(parseChallenges(headerValues(body, 'www-authenticate')))
        : undefined;
    if (challenge === undefined || credentials === undefined) throw refused(url, status);
    const { pathname, search } = new URL(url);
    authorization = writeAuthorization(challenge, { method: 'GET', url: pathname + search, credentials });
  }
}

/** The whole body, at most `maxBytes`. Rejects with `resource_exhausted` (`HTTP_TOO_LARGE`), `unavailable` where it is cut off. */
export async function readBody({ url, body }: HttpAnswer, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > maxBytes) {
        throw new WatchpostError(`${host(url)} answers with more than ${maxBytes} bytes`, {
          kind: 'resource_exhausted',
          code: 'HTTP_TOO_LARGE',
        });
      }
      parts.push(part);
    }
  } catch (thrown) {
    throw thrown instanceof WatchpostError ? thrown : failed(url, thrown as Error);
  }
  return Buffer.concat(parts, length);
}

async function ask(
  url: string,
  options: HttpGetOptions & { authorization?: string | undefined },
): Promise<IncomingMessage> {
  const { protocol, pathname, search, host: hostAndPort } = new URL(url);
  const { host: hostname, port } = parseSourceUrl(url);
  const target = {
    host: hostname,
    port: port ?? (protocol === 'https:' ? 443 : 80),
    tls: protocol === 'https:',
    fingerprint: options.fingerprint,
  };
  const socket = await dialSecure(target, options);
  const { authorization, range, userAgent, signal, clock } = options;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request({
    createConnection: () => socket,
    path: pathname + search,
    maxHeaderSize: maxHeadBytes,
    headers: {
      Host: hostAndPort,
      'User-Agent': userAgent,
      Accept: '*/*',
      Connection: 'close',
      ...(range !== undefined && { Range: range }),
      ...(authorization !== undefined && { Authorization: authorization }),
    },
  });
  const cancel = clock.after(answerWithinMs, () => {
    reject(
      new WatchpostError(`${target.host} did not answer within ${answerWithinMs / 1000} s — check the address`, {
        kind: 'timeout',
        code: 'HTTP_TIMEOUT',
      }),
    );
    socket.destroy();
  });
  const onAbort = () => {
    reject(signal.reason);
    socket.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', onAbort));
  outgoing.once('response', resolve);
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    reject(error.code?.startsWith('HPE_') ? failed(url, error) : dialError(error, target));
  });
  outgoing.end();
  try {
    return await promise;
  } finally {
    cancel();
  }
}

function redirected(from: string, location: string): string {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined;
  const isSafe = to?.protocol === 'https:' || (to?.protocol === 'http:' && from.startsWith('http:'));
  if (to === undefined || !isSafe) {
    throw new WatchpostError(
      `${host(from)} redirects to an address that is not followed — write the new one yourself`,
      {
        kind: 'unavailable',
        code: 'HTTP_REDIRECT',
      },
    );
  }
  return to.href;
}

function headerValues(answer: IncomingMessage, name: string): string[] {
  const { rawHeaders } = answer;
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name);
}

function refused(url: string, status: number): WatchpostError {
  const where = host(url);
  if (status === 401 || status === 403) {
    return new WatchpostError(`${where} refuses the login (HTTP ${status}) — check user and password`, {
      kind: 'unauthenticated',
      code: 'HTTP_LOGIN_REFUSED',
    });
  }
  if (status === 404 || status === 410) {
    return new WatchpostError(`${where} has nothing under this address (HTTP ${status}) — check the path`, {
      kind: 'not_found',
      code: 'HTTP_NOT_FOUND',
    });
  }
  return new WatchpostError(`${where} answers HTTP ${status}`, {
    kind: 'unavailable',
    code: 'HTTP_STATUS',
    context: { status },
  });
}

function failed(url: string, cause: Error): WatchpostError {
  return new WatchpostError(`The answer of ${host(url)} was cut off or is no HTTP: ${cause.message}`, {
    kind: 'unavailable',
    code: 'HTTP_FAILED',
    cause,
  });
}

function host(url: string): string {
  return new URL(url).host;
}
