import { emptyBytes } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** Header lines in their order; a name may stand more than once (several `WWW-Authenticate`). */
export type RtspHeaders = readonly (readonly [name: string, value: string])[];

/** A request (RFC 2326 §6). */
export interface RtspRequest {
  /** Upper case as a rule; methods are case-sensitive. */
  readonly method: string;
  /** As it stood on the wire: absolute, a path, or `*`. */
  readonly url: string;
  /** Of RTSP: `1.0` where it is missing. */
  readonly version?: string;
  readonly headers: RtspHeaders;
  readonly body: Uint8Array;
}

/** A response (RFC 2326 §7). */
export interface RtspResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: RtspHeaders;
  readonly body: Uint8Array;
}

/** Bounds of one message; what is beyond them is malformed. */
export const rtspLimits = {
  /** FFmpeg writes addresses of up to 4096 bytes, so tokens in a query fit. */
  firstLineBytes: 4608,
  headers: 255,
  nameBytes: 512,
  /** `RTP-Info` has an address of such a length for each track. */
  valueBytes: 16 * 1024,
  /** First line and headers together. */
  headBytes: 64 * 1024,
  bodyBytes: 128 * 1024,
} as const;

/** What `parseRtspMessage` found: the message and where the next one may begin. */
export type ParsedRtspMessage =
  | { readonly request: RtspRequest; readonly response?: undefined; readonly end: number }
  | { readonly response: RtspResponse; readonly request?: undefined; readonly end: number };

/** The first value under a name, whatever its case (RFC 2326 §4.2), or undefined. */
export function headerOf(message: { readonly headers: RtspHeaders }, name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (const [key, value] of message.headers) if (key.toLowerCase() === wanted) return value;
  return undefined;
}

/** All values under a name, in order. */
export function headersOf(message: { readonly headers: RtspHeaders }, name: string): string[] {
  const wanted = name.toLowerCase();
  return message.headers.filter(([key]) => key.toLowerCase() === wanted).map(([, value]) => value);
}

/** `CSeq` as a number, or undefined where it is missing or no number. */
export function cseqOf(message: { readonly headers: RtspHeaders }): number | undefined {
  const text = headerOf(message, 'CSeq');
  return text !== undefined && /^\d{1,10}$/.test(text.trim()) ? Number(text) : undefined;
}

/** Session id without its parameters (`Session: 12;timeout=60`), and the timeout in ms where one is given (RFC 2326 §12.37). */
export function sessionOf(message: { readonly headers: RtspHeaders }): { id: string; timeoutMs?: number } | undefined {
  const text = headerOf(message, 'Session');
  if (text === undefined) return undefined;
  const [id, ...parameters] = text.split(';').map((part) => part.trim());
  if (!id) return undefined;
  for (const parameter of parameters) {
    const timeout = /^timeout\s*=\s*"?(\d{1,7})/i.exec(parameter);
    if (timeout && Number(timeout[1]) > 0) return { id, timeoutMs: Number(timeout[1]) * 1000 };
  }
  return { id };
}

/**
 * Reads the message at `start` (RFC 2326 §4, RFC 7826 §5). While bytes are missing, the result is how many at least.
 * Lines may end in a bare LF. The body is a copy. Throws `malformed` (`RTSP_MESSAGE_MALFORMED`, `RTSP_MESSAGE_TOO_LARGE`).
 */
export function parseRtspMessage(bytes: Uint8Array, start: number, end: number): ParsedRtspMessage | number {
  const headEnd = findHeadEnd(bytes, start, end);
  if (headEnd < 0) {
    if (end - start > rtspLimits.headBytes) throw tooLarge('the headers', rtspLimits.headBytes);
    return 1;
  }
  if (headEnd - start > rtspLimits.headBytes) throw tooLarge('the headers', rtspLimits.headBytes);
  const lines = latinOrUtf8(bytes.subarray(start, headEnd)).split(/\r?\n/);
  const headers = parseHeaders(lines);
  const bodyBytes = bodyLength(headers);
  if (headEnd + bodyBytes > end) return headEnd + bodyBytes - end;
  const body = bodyBytes === 0 ? emptyBytes : bytes.slice(headEnd, headEnd + bodyBytes);
  return parseFirstLine(lines[0]!, { headers, body, end: headEnd + bodyBytes });
}

/** The request as bytes, `Content-Length` added where there is a body. */
export function writeRtspRequest(request: Omit<RtspRequest, 'body'> & { readonly body?: Uint8Array }): Uint8Array {
  return writeMessage(`${request.method} ${request.url} RTSP/1.0`, request.headers, request.body ?? emptyBytes);
}

/** The response as bytes, `Content-Length` added where there is a body. */
export function writeRtspResponse(response: Omit<RtspResponse, 'body'> & { readonly body?: Uint8Array }): Uint8Array {
  return writeMessage(`RTSP/1.0 ${response.status} ${response.reason}`, response.headers, response.body ?? emptyBytes);
}

/** Index after the empty line that ends the head, or -1. */
function findHeadEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let at = bytes.indexOf(10, start); at >= 0 && at < end; at = bytes.indexOf(10, at + 1)) {
    if (at + 1 < end && bytes[at + 1] === 10) return at + 2;
    if (at + 2 < end && bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3;
  }
  return -1;
}

function parseHeaders(lines: readonly string[]): RtspHeaders {
  const headers: [string, string][] = [];
  for (const line of lines.slice(1)) {
    if (line === '') continue;
    if (line.length > rtspLimits.nameBytes + rtspLimits.valueBytes + 4)
      throw tooLarge('a header', rtspLimits.valueBytes);
    const last = headers[headers.length - 1];
    // A line that begins with white space goes on with the one before (RFC 2326 §4.2).
    if ((line[0] === ' ' || line[0] === '\t') && last) {
      last[1] = `${last[1]} ${line.trim()}`;
      if (last[1].length > rtspLimits.valueBytes) throw tooLarge('a header', rtspLimits.valueBytes);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) throw malformed('a header line has no name', line);
    const name = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    if (name.length > rtspLimits.nameBytes) throw tooLarge('the name of a header', rtspLimits.nameBytes);
    if (value.length > rtspLimits.valueBytes)
      throw tooLarge(`the header "${name.slice(0, 40)}"`, rtspLimits.valueBytes);
    if (headers.length >= rtspLimits.headers) throw tooLarge('the number of headers', rtspLimits.headers);
    headers.push([name, value]);
  }
  return headers;
}

function bodyLength(headers: RtspHeaders): number {
  const text = headerOf({ headers }, 'Content-Length');
  if (text === undefined || text === '') return 0;
  if (!/^\d{1,10}$/.test(text)) throw malformed('Content-Length is no number', text);
  const length = Number(text);
  if (length > rtspLimits.bodyBytes) throw tooLarge('the body', rtspLimits.bodyBytes);
  return length;
}

function parseFirstLine(
  line: string,
  rest: { headers: RtspHeaders; body: Uint8Array; end: number },
): ParsedRtspMessage {
  const { headers, body, end } = rest;
  if (line.length > rtspLimits.firstLineBytes) throw tooLarge('the first line', rtspLimits.firstLineBytes);
  const status = /^RTSP\/\d\.\d\s+(\d{3})(?:\s+(.*))?$/.exec(line);
  if (status) return { response: { status: Number(status[1]), reason: (status[2] ?? '').trim(), headers, body }, end };
  const request = /^([A-Z_]{1,32}) +(\S+) +RTSP\/(\d\.\d)\s*$/.exec(line);
  if (request) {
    const [, method, url, version] = request;
    const other = version === '1.0' ? {} : { version: version! };
    return { request: { method: method!, url: url!, ...other, headers, body }, end };
  }
  throw malformed('the first line is neither a request nor a status', line);
}

function writeMessage(firstLine: string, headers: RtspHeaders, body: Uint8Array): Uint8Array {
  let text = `${firstLine}\r\n`;
  let hasLength = false;
  for (const [name, value] of headers) {
    if (/[\r\n]/.test(name) || /[\r\n]/.test(value)) throw malformed('a header to write holds a line break', name);
    if (name.toLowerCase() === 'content-length') hasLength = true;
    text += `${name}: ${value}\r\n`;
  }
  if (body.length > 0 && !hasLength) text += `Content-Length: ${body.length}\r\n`;
  const head = new TextEncoder().encode(`${text}\r\n`);
  if (body.length === 0) return head;
  const message = new Uint8Array(head.length + body.length);
  message.set(head);
  message.set(body, head.length);
  return message;
}

/** Cameras write realms and reasons in their country's encoding: what is not UTF-8 is read as Latin-1, byte by byte. */
function latinOrUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('latin1').decode(bytes);
  }
}

function malformed(what: string, where: string): WatchpostError {
  return new WatchpostError(`this is no RTSP message: ${what} — check the port`, {
    kind: 'malformed',
    code: 'RTSP_MESSAGE_MALFORMED',
    context: { where: where.slice(0, 80) },
  });
}

function tooLarge(what: string, limit: number): WatchpostError {
  return new WatchpostError(`an RTSP message is too large: ${what} may be ${limit} at most`, {
    kind: 'malformed',
    code: 'RTSP_MESSAGE_TOO_LARGE',
    context: { limit },
  });
}
