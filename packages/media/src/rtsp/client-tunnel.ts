import { malformed } from '../codec/malformed.ts';

/** Bytes of the head of a tunnel's answer. */
const maxHeadBytes = 8192;
const contentType = 'application/x-rtsp-tunnelled';

/** A request that opens one half of an RTSP tunnel through HTTP (Apple, "Tunnelling RTSP and RTP over HTTP"). */
export interface TunnelRequest {
  /** GET brings what the camera says, POST takes what we say, in base64. */
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly target: string;
  /** `HOST:PORT`. */
  readonly host: string;
  /** The same for both halves: it is all that makes them one. */
  readonly cookie: string;
  readonly userAgent: string;
  readonly authorization?: string | undefined;
}

/** The head of a request. HTTP/1.0, for nothing of 1.1 fits: no chunks, no end, no second request. */
export function writeTunnelRequest(request: TunnelRequest): string {
  const { method, target, host, cookie, userAgent, authorization } = request;
  const lines = [
    `${method} ${target} HTTP/1.0`,
    `Host: ${host}`,
    `User-Agent: ${userAgent}`,
    `x-sessioncookie: ${cookie}`,
    method === 'GET' ? `Accept: ${contentType}` : `Content-Type: ${contentType}`,
    'Pragma: no-cache',
    'Cache-Control: no-cache',
  ];
  // A length must stand there, and nobody can know it: this one is what all clients say.
  if (method === 'POST') lines.push('Content-Length: 32767', 'Expires: Sun, 9 Jan 1972 00:00:00 GMT');
  if (authorization !== undefined) lines.push(`Authorization: ${authorization}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** What a camera answers to the GET. */
export interface TunnelAnswer {
  readonly status: number;
  readonly challenges: readonly string[];
  /** Byte after the head: RTSP begins here. */
  readonly end: number;
}

/** Reads the head of an answer; undefined while it is incomplete. Throws `malformed` (`RTSP_TUNNEL_ANSWER`) for what is no HTTP. */
export function parseTunnelAnswer(bytes: Uint8Array): TunnelAnswer | undefined {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, maxHeadBytes));
  const head = /^HTTP\/1\.[01] (\d{3})/.exec(text);
  if (!head && (text.length >= 12 || !'HTTP/1.'.startsWith(text.slice(0, 7))))
    throw malformed('RTSP_TUNNEL_ANSWER', 'what answers is no web server — check the port, or use rtsp://');
  const blank = /\r?\n\r?\n/.exec(text);
  if (!head || !blank) {
    if (bytes.length >= maxHeadBytes)
      throw malformed('RTSP_TUNNEL_ANSWER', `the answer has no end within ${maxHeadBytes} bytes`);
    return undefined;
  }
  const challenges = text
    .slice(0, blank.index)
    .split(/\r?\n/)
    .flatMap((line) => /^www-authenticate\s*:\s*(.*)$/i.exec(line)?.[1] ?? []);
  return { status: Number(head[1]), challenges, end: blank.index + blank[0].length };
}
