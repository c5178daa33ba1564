import type { Socket } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Transport } from '@watchpost/tunnel/types.ts';
import WebSocket, { type ClientOptions } from 'ws';
import { networkError, openSocket, startTls } from './node-network.ts';
import type { WebSocketHandler, WebSocketOptions } from './platform.ts';

const maxProxyAnswerBytes = 16 * 1024;

/** Opens a WebSocket, through a proxy where one is set; the certificate is checked before a byte of it is sent. */
export async function openWebSocket(options: WebSocketOptions, handler: WebSocketHandler): Promise<Transport> {
  const url = new URL(options.url);
  const isSecure = url.protocol === 'wss:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (isSecure ? 443 : 80));
  const { timeoutMs, signal, trust } = options;
  const common = { timeoutMs, ...(signal && { signal }) };
  let socket: Socket =
    options.proxy === undefined
      ? await openSocket({ host, port, ...common })
      : await connectThroughProxy(options.proxy, { host, port, ...common });
  if (isSecure) socket = await startTls(socket, { host, ...common, tls: trust });
  return await upgrade(socket, options, handler);
}

function upgrade(socket: Socket, options: WebSocketOptions, handler: WebSocketHandler): Promise<Transport> {
  return new Promise((resolve, reject) => {
    // TLS is done already, and the module for HTTPS costs memory.
    const webSocket = new WebSocket(options.url.replace(/^wss:/, 'ws:'), [...options.protocols], {
      createConnection: () => socket,
      ...settingsOf(options),
    });
    let isOpen = false;
    let failure: Error | undefined;
    // `handshakeTimeout` of ws waits for a timer that node sets only on sockets that it opened itself.
    const timer = setTimeout(() => {
      failure = new WatchpostError('the server did not answer the request for a WebSocket in time', {
        kind: 'timeout',
        code: 'AGENT_TIMEOUT',
      });
      webSocket.terminate();
      socket.destroy();
    }, options.timeoutMs);
    webSocket.binaryType = 'nodebuffer';
    webSocket.on('message', (data, isBinary) => {
      if (isBinary) handler.onMessage(data as Buffer);
    });
    webSocket.on('error', (error) => {
      failure ??= error;
    });
    webSocket.once('unexpected-response', (_request, response) => {
      failure = statusError(options.url, response.statusCode ?? 0);
      webSocket.terminate();
      socket.destroy();
    });
    webSocket.once('open', () => {
      clearTimeout(timer);
      isOpen = true;
      socket.on('drain', () => handler.onDrain());
      resolve({
        send: (message) => webSocket.send(message, { binary: true }, ignore),
        get bufferedBytes() {
          return webSocket.bufferedAmount;
        },
        close: () => {
          webSocket.terminate();
        },
      });
    });
    webSocket.on('close', () => {
      clearTimeout(timer);
      if (isOpen) handler.onClose(failure);
      else
        reject(
          failure instanceof WatchpostError
            ? failure
            : networkError(failure ?? new Error('closed'), new URL(options.url).host),
        );
    });
  });
}

function settingsOf({ url, maxMessageBytes }: WebSocketOptions): ClientOptions {
  return {
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    followRedirects: false,
    // RFC 6455 §10.3: masks keep intermediaries from taking data for requests. None reads what TLS carries, and a mask of
    // zero spares every byte a pass over it.
    ...(new URL(url).protocol === 'wss:' && { generateMask: (mask) => void mask.fill(0) }),
  };
}

function ignore(): void {}

function statusError(url: string, status: number): WatchpostError {
  const { host, pathname } = new URL(url);
  const meanings: Readonly<Record<number, string>> = {
    401: 'it wants a login before the tunnel: a proxy in front of it is set wrongly',
    403: 'it is forbidden: a firewall or proxy in front of the server refuses WebSocket',
    404: `there is nothing at ${pathname}; the path is usually /tunnel`,
    426: 'the proxy in front of the server does not pass the Upgrade header on',
    429: 'it has too many connections from here',
    502: 'the proxy in front of it does not reach the server',
    503: 'it is overloaded or stopping',
  };
  return new WatchpostError(
    `${host} answered ${status}: ${meanings[status] ?? 'this is no tunnel server'} — check tunnel_server_url`,
    {
      kind: status >= 500 || status === 429 ? 'unavailable' : 'not_found',
      code: 'AGENT_NO_TUNNEL',
      context: { status },
    },
  );
}

interface ProxyTarget {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A connection through an HTTP proxy (CONNECT, RFC 9110 §9.3.6); `https:` proxies are spoken to by TLS. */
async function connectThroughProxy(proxy: string, target: ProxyTarget): Promise<Socket> {
  const url = new URL(proxy);
  const isSecure = url.protocol === 'https:';
  const { host, port, timeoutMs, signal } = target;
  const socket = await openSocket({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (isSecure ? 443 : 80)),
    timeoutMs,
    ...(signal && { signal }),
    ...(isSecure && { tls: {} }),
  });
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const login =
    url.username === '' ? '' : `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`);
  const status = await proxyStatus(socket, timeoutMs);
  if (status >= 200 && status < 300) return socket;
  socket.destroy();
  const why = status === 407 ? 'it wants a user and password: write them into agent.proxy' : `it answered ${status}`;
  throw new WatchpostError(`the proxy ${url.host} does not connect to ${authority}: ${why}`, {
    kind: status === 407 ? 'unauthenticated' : 'unavailable',
    code: 'AGENT_PROXY',
    context: { status },
  });
}

function proxyStatus(socket: Socket, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const settle = (error?: Error) => {
      clearTimeout(timer);
      socket.off('data', onData);
      socket.off('error', settle);
      socket.off('close', onClose);
      socket.pause();
      if (error) {
        socket.destroy();
        reject(
          new WatchpostError(`the proxy failed: ${error.message}`, {
            kind: 'unavailable',
            code: 'AGENT_PROXY',
            cause: error,
          }),
        );
      }
    };
    const timer = setTimeout(() => settle(new Error('no answer in time')), timeoutMs);
    const onClose = () => settle(new Error('it closed the connection'));
    const onData = (bytes: Buffer) => {
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) {
        if (head.length > maxProxyAnswerBytes) settle(new Error('its answer is too long'));
        return;
      }
      const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head.toString('latin1'))?.[1] ?? 0);
      settle();
      if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
      resolve(status);
    };
    socket.on('data', onData);
    socket.once('error', settle);
    socket.once('close', onClose);
  });
}
