import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { type Duplex, pipeline } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { createBrotliDecompress, createUnzip } from 'node:zlib';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Dial } from '../net/dial.ts';
import { AddressTranslation, type PagePlace } from './page-addresses.ts';
import { answerHeaders, requestHeaders } from './page-headers.ts';

/** A web page behind an agent. */
export interface PageTarget extends PagePlace {
  readonly agentId: string;
}

/** A page that somebody looks at. */
export interface ViewedPage {
  /** Another one from the moment on in which the camera sends its viewers to HTTPS. */
  target: PageTarget;
  /** As the browser sees it. */
  readonly origin: string;
}

/** Reaches the target through its agent. */
export type PageDial = (target: PageTarget) => ReturnType<Dial>;

/** Text that may have addresses of the camera in it. */
const textTypes = /^\s*(text\/(html|css|javascript|xml|json)|application\/([\w.-]+\+)?(x-)?(javascript|json|xml))\b/i;
const withoutBody = new Set([204, 205, 304]);

/** Passes a request on to the camera, and its answer back. Never throws. */
export function passOn(request: IncomingMessage, response: ServerResponse, page: ViewedPage, dial: PageDial): void {
  let upstream: ClientRequest;
  try {
    upstream = ask(request, page, { dial, isUpgrade: false });
  } catch (thrown) {
    refuse(response, thrown);
    return;
  }
  let isAnswered = false;
  upstream.on('response', (answer) => {
    isAnswered = true;
    try {
      answerWith(answer, { request, response, page });
    } catch (thrown) {
      answer.destroy();
      refuse(response, thrown);
    }
  });
  // A camera that answers before it has read all that it is sent breaks the line behind its answer.
  upstream.on('error', (error) => void (isAnswered || refuse(response, error)));
  // Without an error where it changes to another protocol that nobody asked for.
  upstream.on('close', () => void (isAnswered || refuse(response, changedUnasked())));
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}

/** Passes a WebSocket on, or whatever else the camera changes to; where it does not, its answer. Never throws. */
export function passUpgradeOn(
  request: IncomingMessage,
  { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
  page: ViewedPage,
  dial: PageDial,
): void {
  const fail = () => void socket.destroy();
  let upstream: ClientRequest;
  try {
    upstream = ask(request, page, { dial, isUpgrade: true });
  } catch {
    fail();
    return;
  }
  upstream.on('upgrade', (answer, far: Duplex, farHead) => {
    far.on('error', fail);
    socket.on('close', () => far.destroy());
    socket.write(headOf(answer, page, { connection: 'Upgrade', upgrade: answer.headers.upgrade }));
    if (farHead.length > 0) socket.write(farHead);
    if (head.length > 0) far.write(head);
    far.pipe(socket).pipe(far);
  });
  upstream.on('response', (answer) => {
    socket.write(headOf(answer, page, { connection: 'close' }));
    pipeline(answer, socket, () => {});
  });
  upstream.on('error', fail);
  socket.on('close', () => upstream.destroy());
  upstream.end();
}

function ask(
  request: IncomingMessage,
  page: ViewedPage,
  { dial, isUpgrade }: { readonly dial: PageDial; readonly isUpgrade: boolean },
): ClientRequest {
  const { target } = page;
  return httpRequest({
    method: request.method,
    path: pathOf(request),
    headers: requestHeaders(request.headers, translationOf(page), isUpgrade),
    setHost: false,
    // Web servers of cameras are old, and what they answer is written anew.
    insecureHTTPParser: true,
    // With an agent, even `false`, node would dial by itself.
    createConnection: (_options, connected) => {
      dial(target).then(
        (socket) => connected(null, target.tls ? secured(socket, target) : socket),
        (error) => connected(error, undefined as never),
      );
      return undefined;
    },
  });
}

/** TLS as far as the camera; nobody vouches for its certificate, and up to its network the tunnel does. */
function secured(socket: Duplex, { host }: PageTarget): Duplex {
  const secure = connectTls({
    socket,
    host,
    rejectUnauthorized: false,
    ciphers: 'DEFAULT@SECLEVEL=0',
    minVersion: 'TLSv1',
  });
  socket.on('error', (error) => secure.destroy(error));
  return secure;
}

function answerWith(
  answer: IncomingMessage,
  { request, response, page }: { request: IncomingMessage; response: ServerResponse; page: ViewedPage },
): void {
  const translation = translationOf(page);
  const headers = answerHeaders(answer.headers, translation);
  const place = translation.secured(answer.headers.location);
  if (place) page.target = { ...place, agentId: page.target.agentId };
  const status = statusOf(answer);
  const hasBody = request.method !== 'HEAD' && !withoutBody.has(status);
  const isText = hasBody && status !== 206 && isTranslated(answer);
  // Of another length than the camera's text, and parts of it cannot be asked for.
  if (isText)
    for (const name of ['content-length', 'content-encoding', 'accept-ranges', 'content-md5', 'digest'])
      delete headers[name];
  response.writeHead(status, headers);
  const done = () => void (answer.complete || response.destroy());
  const unpacked = isText ? unpack(answer.headers['content-encoding']) : undefined;
  if (!isText) pipeline(answer, response, done);
  else if (unpacked) pipeline(answer, unpacked, translation.stream(), response, done);
  else pipeline(answer, translation.stream(), response, done);
}

function isTranslated({ headers }: IncomingMessage): boolean {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const isFile = /^\s*attachment/i.test(headers['content-disposition'] ?? '');
  return (
    !isFile &&
    textTypes.test(headers['content-type'] ?? '') &&
    ['identity', 'gzip', 'x-gzip', 'deflate', 'br'].includes(encoding)
  );
}

function unpack(encoding: string | undefined) {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity') return undefined;
  return name === 'br' ? createBrotliDecompress() : createUnzip();
}

/** Status line and fields of an answer that is not written by a `ServerResponse`. */
function headOf(answer: IncomingMessage, page: ViewedPage, more: OutgoingHttpHeaders): string {
  const headers = { ...answerHeaders(answer.headers, translationOf(page)), ...more };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => `${name}: ${String(one).replaceAll(/[\r\n\0]/g, ' ')}\r\n`),
  );
  const status = statusOf(answer);
  return `HTTP/1.1 ${status} ${status === 101 ? 'Switching Protocols' : 'Answer'}\r\n${lines.join('')}\r\n`;
}

function statusOf({ statusCode = 502 }: IncomingMessage): number {
  return statusCode >= 100 && statusCode <= 999 ? statusCode : 502;
}

function translationOf({ target, origin }: ViewedPage): AddressTranslation {
  return new AddressTranslation(target, origin);
}

/** Path and query; proxies are asked for whole addresses, servers for a path (RFC 9112 §3.2). */
function pathOf({ url = '/' }: IncomingMessage): string {
  if (url.startsWith('/') || url === '*') return url;
  throw new WatchpostError('this is no proxy: ask for a path', { kind: 'invalid_argument', code: 'PAGE_PATH' });
}

function changedUnasked(): WatchpostError {
  return new WatchpostError('it broke off', { kind: 'unavailable', code: 'PAGE_BROKEN_OFF' });
}

function refuse(response: ServerResponse, thrown: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(502, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`The camera does not answer: ${toWatchpostError(thrown).message}\n`);
}
