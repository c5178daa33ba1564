import { randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Transport } from '@watchpost/tunnel/types.ts';
import { receiveAnswerHead } from './node-answer-head.ts';
import { networkError, openSocket, startTls } from './node-network.ts';
import { connectThroughProxy } from './node-proxy.ts';
import type { WebSocketHandler, WebSocketOptions } from './platform.ts';
import { closeCode, opcode } from './websocket/frame.ts';
import { FrameReader, type FrameReaderHandler } from './websocket/frame-reader.ts';
import { frameHead, frameRoomBytes, maskedFrame } from './websocket/frame-writer.ts';
import { type AnswerHead, writeUpgrade, wrongInUpgrade } from './websocket/upgrade.ts';

/** How long the goodbye may take. */
const goodbyeMs = 1000;
/** Below this a copy costs less than a second write, and memory of its own less than keeping it for the next frame. */
const smallBytes = 4096;
/** Room for a masked frame that is used again: of the largest message, and of as many as wait for the system at most. */
const roomBytes = 65_536 + frameRoomBytes;
const maxRooms = 8;
/** No server may send an agent away for longer. */
const maxRetryAfterS = 3600;
const noMask = new Uint8Array(4);

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
  await upgrade(socket, url, options);
  if (socket.destroyed) throw networkError(new Error('the connection was closed'), url.host);
  return new NodeWebSocket(socket, { host: url.host, isSecure, maxMessageBytes: options.maxMessageBytes }, handler);
}

/** A port for TLS ends a plain request without a word; a server that has a certificate now is such a port. */
function unanswered(cause: Error): Error {
  return new Error(`${cause.message} — where the server has a certificate, its address is wss://`, { cause });
}

/** Turns the connection into a WebSocket; what is no WebSocket server is closed. */
async function upgrade(socket: Socket, url: URL, { protocols, timeoutMs, signal }: WebSocketOptions): Promise<void> {
  const request = { url, key: randomFillSync(Buffer.alloc(16)).toString('base64'), protocols };
  // Between those who listen.
  socket.on('error', () => {});
  socket.write(writeUpgrade(request));
  const answer = await receiveAnswerHead(socket, { timeoutMs, ...(signal && { signal }) }).catch((cause) => {
    if (signal?.aborted) throw cause;
    if (!(cause instanceof WatchpostError))
      throw networkError(url.protocol === 'ws:' ? unanswered(cause) : cause, url.host);
    throw new WatchpostError('the server did not answer the request for a WebSocket in time', cause);
  });
  if (answer.status !== 101) {
    socket.destroy();
    throw statusError(url, answer);
  }
  const wrong = wrongInUpgrade(answer, request);
  if (wrong === undefined) return;
  socket.destroy();
  throw new WatchpostError(`${url.host} did not open a WebSocket: ${wrong} — check tunnel_server_url`, {
    kind: 'unavailable',
    code: 'AGENT_NO_TUNNEL',
  });
}

function statusError({ host, pathname }: URL, { status, headers }: AnswerHead): WatchpostError {
  const meanings: Readonly<Record<number, string>> = {
    401: 'it wants a login before the tunnel: a proxy in front of it is set wrongly',
    403: 'it is forbidden: a firewall or proxy in front of the server refuses WebSocket',
    404: `there is nothing at ${pathname}; the path is usually /tunnel`,
    426: 'the proxy in front of the server does not pass the Upgrade header on',
    429: 'it has too many connections from here',
    502: 'the proxy in front of it does not reach the server',
    503: 'it is overloaded or stopping',
  };
  const isBusy = status >= 500 || status === 429;
  const retryAfterS = isBusy ? Math.min(Number(headers.get('retry-after')), maxRetryAfterS) : 0;
  return new WatchpostError(
    `${host} answered ${status}: ${meanings[status] ?? 'this is no tunnel server'} — check tunnel_server_url`,
    {
      kind: isBusy ? 'unavailable' : 'not_found',
      code: 'AGENT_NO_TUNNEL',
      context: { status, ...(retryAfterS > 0 && { retryAfterMs: retryAfterS * 1000 }) },
    },
  );
}

/** The client's end of a WebSocket that stands (RFC 6455): binary messages, no extension. */
class NodeWebSocket implements Transport, FrameReaderHandler {
  readonly #socket: Socket;
  readonly #handler: WebSocketHandler;
  /**
   * §10.3: masks keep intermediaries from taking data for requests. None reads what TLS carries, and a mask of zero spares
   * every byte a pass over it.
   */
  readonly #isMasked: boolean;
  #failure: Error | undefined;
  /** Nothing is sent or handed over any more. */
  #isOver = false;
  /** What large frames are masked into: free, and those under way. Taking it anew would cost more than the masking. */
  readonly #rooms: Uint8Array[] = [];
  readonly #written: Uint8Array[] = [];
  /** Payload of a ping that waits for the socket to take more. */
  #ping: Uint8Array | undefined;

  constructor(
    socket: Socket,
    { host, isSecure, maxMessageBytes }: { host: string; isSecure: boolean; maxMessageBytes: number },
    handler: WebSocketHandler,
  ) {
    this.#socket = socket;
    this.#handler = handler;
    this.#isMasked = !isSecure;
    const reader = new FrameReader(this, maxMessageBytes);
    socket.on('data', (chunk: Buffer) => this.#receive(reader, chunk));
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => this.#leave());
    socket.on('error', (error) => {
      this.#failure ??= networkError(error, host);
    });
    socket.on('close', () => {
      this.#isOver = true;
      handler.onClose(this.#failure);
    });
    socket.resume();
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  send(message: Uint8Array): void {
    if (!this.#isOver) this.#write(opcode.binary, message);
  }

  close(): void {
    this.#leave(closeCode.normal);
  }

  onMessage(message: Uint8Array): void {
    if (!this.#isOver) this.#handler.onMessage(message);
  }

  /** One that takes nothing must not make us hold answers: only the newest ping is answered then (§5.5.3). */
  onPing(payload: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#socket.writableNeedDrain) this.#ping = payload.slice();
    else this.#write(opcode.pong, payload);
  }

  onClose(code: number): void {
    this.#leave(code === closeCode.none ? closeCode.normal : code);
  }

  #receive(reader: FrameReader, chunk: Buffer): void {
    if (this.#isOver) return;
    try {
      reader.receive(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    } catch (thrown) {
      if (!(thrown instanceof WatchpostError)) throw thrown;
      this.#failure ??= thrown;
      this.#leave(thrown.context['closeCode'] as number | undefined);
    }
  }

  #onDrain(): void {
    if (this.#isOver) return;
    const ping = this.#ping;
    this.#ping = undefined;
    if (ping) this.#write(opcode.pong, ping);
    this.#handler.onDrain();
  }

  #write(code: number, payload: Uint8Array): void {
    const socket = this.#socket;
    const frame = { opcode: code, payload, mask: this.#isMasked ? nextMask() : noMask };
    const neededBytes = payload.length + frameRoomBytes;
    if (neededBytes <= smallBytes) socket.write(maskedFrame(frame, new Uint8Array(neededBytes)));
    else if (this.#isMasked) {
      const room = neededBytes > roomBytes ? Buffer.allocUnsafeSlow(neededBytes) : this.#takeRoom();
      this.#written.push(room);
      socket.write(maskedFrame(frame, room), this.#onWritten);
    } else {
      socket.cork();
      socket.write(frameHead(frame));
      socket.write(payload);
      socket.uncork();
    }
  }

  #takeRoom(): Uint8Array {
    return this.#rooms.pop() ?? Buffer.allocUnsafeSlow(roomBytes);
  }

  /** The system, which takes frames in order, has the next one. */
  readonly #onWritten = (): void => {
    const room = this.#written.shift()!;
    if (room.length === roomBytes && this.#rooms.length < maxRooms) this.#rooms.push(room);
  };

  /** Says goodbye, where there is something to say, and closes whether the other end answers or not (§7.1.1). */
  #leave(code?: number | undefined): void {
    if (this.#isOver) return;
    if (code !== undefined) this.#write(opcode.close, Uint8Array.of(code >> 8, code));
    this.#isOver = true;
    const socket = this.#socket;
    socket.end();
    const timer = setTimeout(() => socket.destroy(), goodbyeMs);
    socket.once('close', () => clearTimeout(timer));
  }
}

/** Random bytes for masks, which no sender of data may foresee (§5.3): one call of the generator for many frames. */
const masks = new Uint8Array(4096);
let masksUsed = masks.length;

function nextMask(): Uint8Array {
  if (masksUsed === masks.length) {
    randomFillSync(masks);
    masksUsed = 0;
  }
  masksUsed += 4;
  return masks.subarray(masksUsed - 4, masksUsed);
}
