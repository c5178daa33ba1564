import { WatchpostError } from '@watchpost/base/errors.ts';

/** Longest head of an HTTP request that opens a tunnel. */
const maxHeadBytes = 8 * 1024;
const maxCookieBytes = 256;

/**
 * What a connection begins with: RTSP, or the GET or POST of a tunnel (QuickTime's "RTSP over HTTP"). Undefined while the
 * first bytes can still become either.
 */
export function sniffTunnel(bytes: Uint8Array): 'rtsp' | 'http' | undefined {
  for (const word of ['GET ', 'POST ']) {
    let at = 0;
    while (at < word.length && at < bytes.length && bytes[at] === word.charCodeAt(at)) at++;
    if (at === word.length) return 'http';
    if (at === bytes.length) return undefined;
  }
  return 'rtsp';
}

/** The head of the request that opens one half of a tunnel. */
export interface TunnelHead {
  readonly method: 'GET' | 'POST';
  /** `x-sessioncookie`, which both halves have; undefined where it is no tunnel at all. */
  readonly cookie: string | undefined;
  /** Index of the first byte after the head. */
  readonly end: number;
}

/** Reads the head; undefined while it is not whole. Throws `malformed` (`RTSP_TUNNEL_MALFORMED`). */
export function parseTunnelHead(bytes: Uint8Array): TunnelHead | undefined {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, maxHeadBytes));
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) {
    if (bytes.length >= maxHeadBytes) throw malformed(`its head is longer than ${maxHeadBytes} bytes`);
    return undefined;
  }
  const [first = '', ...lines] = text.slice(0, end.index).split(/\r?\n/);
  const method = /^(GET|POST) \S+ HTTP\/1\.[01]$/.exec(first)?.[1] as 'GET' | 'POST' | undefined;
  if (method === undefined) throw malformed('its first line is no GET or POST');
  let cookie: string | undefined;
  for (const line of lines) cookie ??= /^x-sessioncookie:\s*(\S+)\s*$/i.exec(line)?.[1];
  if (cookie !== undefined && cookie.length > maxCookieBytes) throw malformed('its x-sessioncookie is too long');
  return { method, cookie, end: end.index + end[0].length };
}

/** The answer to the GET, after which RTSP follows as it is. Nothing may keep or end it: there is no length. */
export function writeTunnelAnswer(serverName: string): Uint8Array {
  return text(
    `HTTP/1.0 200 OK\r\nServer: ${serverName}\r\nConnection: close\r\nCache-Control: no-store\r\nPragma: no-cache\r\n` +
      'Content-Type: application/x-rtsp-tunnelled\r\n\r\n',
  );
}

/** The answer to whoever takes this port for a web server. */
export function writeTunnelRefusal(status: 400 | 404 | 503, why: string): Uint8Array {
  const reason = { 400: 'Bad Request', 404: 'Not Found', 503: 'Service Unavailable' }[status];
  return text(
    `HTTP/1.0 ${status} ${reason}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${text(why).length}\r\n\r\n${why}`,
  );
}

/**
 * Decodes the POST half: Base64 (RFC 4648 §4) in pieces of any size. Each message may be padded by itself, so padding
 * ends a message and not the stream; line breaks are passed over.
 */
export class Base64Stream {
  #bits = 0;
  #bitCount = 0;
  #chars = 0;

  /** Decodes `chunk`; the bytes are the caller's. Throws `malformed` (`RTSP_TUNNEL_MALFORMED`) for any other character. */
  decode(chunk: Uint8Array): Uint8Array {
    const out = new Uint8Array(Math.ceil(((this.#chars + chunk.length) * 3) / 4) + 1);
    let length = 0;
    for (let i = 0; i < chunk.length; i++) {
      const code = chunk[i]!;
      if (code === 13 || code === 10) continue;
      if (code === 0x3d) {
        this.#pad();
        continue;
      }
      const value = sixBits(code);
      if (value < 0) throw malformed('it holds what is no Base64');
      this.#bits = ((this.#bits << 6) | value) & 0xffff;
      this.#bitCount += 6;
      this.#chars = (this.#chars + 1) & 3;
      if (this.#bitCount < 8) continue;
      this.#bitCount -= 8;
      out[length++] = this.#bits >> this.#bitCount;
    }
    return out.subarray(0, length);
  }

  /** The bits that are left over belong to nothing; a second `=` says the same again. */
  #pad(): void {
    if (this.#chars === 1) throw malformed('its Base64 ends within a byte');
    this.#bits = 0;
    this.#bitCount = 0;
    this.#chars = 0;
  }
}

function sixBits(code: number): number {
  if (code >= 0x41 && code <= 0x5a) return code - 0x41;
  if (code >= 0x61 && code <= 0x7a) return code - 0x61 + 26;
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 52;
  if (code === 0x2b) return 62;
  return code === 0x2f ? 63 : -1;
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function malformed(what: string): WatchpostError {
  return new WatchpostError(`this is no RTSP over HTTP: ${what}`, {
    kind: 'malformed',
    code: 'RTSP_TUNNEL_MALFORMED',
  });
}
