import type { Socket } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { authorityOf } from '@watchpost/base/source-url.ts';
import { receiveAnswerHead } from './node-answer-head.ts';
import { openSocket } from './node-network.ts';

/** Where a proxy connects to. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * A connection through an HTTP proxy (CONNECT, RFC 9110 §9.3.6); `https:` proxies are spoken to by TLS. Rejects with
 * `unavailable` or `unauthenticated` (`AGENT_PROXY`).
 */
export async function connectThroughProxy(proxy: string, target: ProxyTarget): Promise<Socket> {
  const url = new URL(proxy);
  const isSecure = url.protocol === 'https:';
  const { host, port, timeoutMs, signal } = target;
  const wait = { timeoutMs, ...(signal && { signal }) };
  const socket = await openSocket({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (isSecure ? 443 : 80)),
    ...wait,
    ...(isSecure && { tls: {} }),
  });
  const authority = authorityOf(host, port);
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const login =
    url.username === '' ? '' : `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`);
  const { status } = await receiveAnswerHead(socket, wait).catch((cause: Error) => {
    throw new WatchpostError(`the proxy failed: ${cause.message}`, { kind: 'unavailable', code: 'AGENT_PROXY', cause });
  });
  if (status >= 200 && status < 300) return socket;
  socket.destroy();
  const why = status === 407 ? 'it wants a user and password: write them into agent.proxy' : `it answered ${status}`;
  throw new WatchpostError(`the proxy ${url.host} does not connect to ${authority}: ${why}`, {
    kind: status === 407 ? 'unauthenticated' : 'unavailable',
    code: 'AGENT_PROXY',
    context: { status },
  });
}
