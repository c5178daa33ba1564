import { toBase64 } from '@watchpost/base/base64.ts';
import { sha1 } from '@watchpost/base/hash/sha1.ts';

/** What a client asks for. */
export interface UpgradeRequest {
  readonly url: URL;
  /** Base64 of 16 random bytes, new for each connection. */
  readonly key: string;
  readonly protocols: readonly string[];
}

/** The head of an answer by HTTP. */
export interface AnswerHead {
  /** 0 where it is no answer by HTTP/1.1. */
  readonly status: number;
  /** By name in lower case; what came twice is joined with commas. */
  readonly headers: ReadonlyMap<string, string>;
}

/** The request that turns a connection into a WebSocket (RFC 6455 §4.1). */
export function writeUpgrade({ url, key, protocols }: UpgradeRequest): string {
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
  ];
  if (protocols.length > 0) lines.push(`Sec-WebSocket-Protocol: ${protocols.join(', ')}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Reads the head of an answer (RFC 9112 §4), up to the empty line that ends it. */
export function readAnswerHead(text: string): AnswerHead {
  const [first = '', ...lines] = text.split('\r\n');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const name = line.slice(0, colon).toLowerCase();
    const before = headers.get(name);
    const value = line.slice(colon + 1).trim();
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { status: Number(/^HTTP\/1\.\d (\d{3})\b/.exec(first)?.[1] ?? 0), headers };
}

/** What is wrong with an answer of status 101 (RFC 6455 §4.1); undefined where all is right. */
export function wrongInUpgrade({ headers }: AnswerHead, { key, protocols }: UpgradeRequest): string | undefined {
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket') return 'it switched to another protocol';
  if (!/(^|[\s,])upgrade([\s,]|$)/i.test(headers.get('connection') ?? '')) return 'its Connection header is wrong';
  if (headers.get('sec-websocket-accept') !== acceptOf(key)) return 'its Sec-WebSocket-Accept is wrong';
  if (headers.has('sec-websocket-extensions')) return 'it uses an extension that nobody asked for';
  const protocol = headers.get('sec-websocket-protocol');
  const isAgreed = protocol === undefined ? protocols.length === 0 : protocols.includes(protocol);
  return isAgreed ? undefined : `it speaks ${protocol ?? 'none'} of the subprotocols ${protocols.join(', ')}`;
}

/** The proof that the request was understood (RFC 6455 §4.2.2, item 5.4). */
export function acceptOf(key: string): string {
  return toBase64(sha1(new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)));
}
