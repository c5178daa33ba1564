import type { Socket } from 'node:net';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { authorityOf } from '@watchpost/base/source-url.ts';
import { parseTunnelAnswer, type TunnelAnswer, writeTunnelRequest } from '@watchpost/media/rtsp/client-tunnel.ts';
import { DigestAnswerer, randomHex } from '@watchpost/media/rtsp/digest.ts';
import { dialError } from '../../net/dial.ts';
import {
  type CameraConnection,
  type CameraConnectionHandler,
  type CameraTarget,
  type ConnectionContext,
  endSocket,
  openSocket,
} from './camera-socket.ts';

const answerTimeoutMs = 10_000;
const maxWaitingBytes = 256 * 1024;

/** RTSP through two HTTP connections: what the camera says comes by GET, what we say goes by POST, in base64. */
export async function openHttpTunnel(
  target: CameraTarget,
  context: ConnectionContext,
  handler: CameraConnectionHandler,
): Promise<CameraConnection> {
  const tunnel = new HttpTunnel(target, context, handler);
  await tunnel.open();
  return tunnel;
}

class HttpTunnel implements CameraConnection {
  // Datagrams beside a tunnel would not come through.
  readonly localAddress = undefined;
  readonly remoteAddress = undefined;
  readonly #target: CameraTarget;
  readonly #context: ConnectionContext;
  readonly #handler: CameraConnectionHandler;
  readonly #cookie = randomHex(11);
  readonly #login: DigestAnswerer;
  #get: Socket | undefined;
  #post: Socket | undefined;
  #posting = false;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #closed = false;

  constructor(target: CameraTarget, context: ConnectionContext, handler: CameraConnectionHandler) {
    this.#target = target;
    this.#context = context;
    this.#handler = handler;
    this.#login = new DigestAnswerer(target.credentials);
  }

  get unsentBytes(): number {
    return this.#waitingBytes + (this.#post?.writableLength ?? 0);
  }

  /** Opens the half that the camera's words come through; it may want a login once. */
  async open(): Promise<void> {
    const first = await this.#askForStream();
    if (first === 'open') return;
    const accepted = this.#target.credentials && this.#login.accept(first.challenges) === 'accepted';
    if (first.status !== 401 || !accepted) throw refused(first.status, this.#target);
    const second = await this.#askForStream();
    if (second !== 'open') throw refused(second.status, this.#target);
  }

  write(bytes: Uint8Array): void {
    if (this.#closed) return;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
    if (this.#post !== undefined) {
      this.#post.write(text);
      return;
    }
    this.#waiting.push(text);
    this.#waitingBytes += text.length;
    if (this.#waitingBytes > maxWaitingBytes) this.destroy();
    else if (!this.#posting) void this.#openPost();
  }

  /** It never does. */
  stopResting(): void {}

  pause(): void {
    this.#get?.pause();
  }

  resume(): void {
    this.#get?.resume();
  }

  end(): void {
    this.#closed = true;
    for (const socket of [this.#post, this.#get]) if (socket) endSocket(socket, this.#context);
  }

  destroy(): void {
    this.#fail(undefined);
  }

  #fail(cause: Error | undefined): void {
    const wasOpen = !this.#closed;
    this.#closed = true;
    this.#post?.destroy();
    this.#get?.destroy();
    if (wasOpen) this.#handler.onClose(cause);
  }

  async #askForStream(): Promise<TunnelAnswer | 'open'> {
    let head: Buffer | undefined = Buffer.alloc(0);
    const { promise, resolve, reject } = Promise.withResolvers<TunnelAnswer>();
    const socket = await openSocket(this.#target, this.#context, (bytes, buffer) => {
      if (head === undefined) return this.#handler.onRead(bytes, buffer);
      head = Buffer.concat([head, buffer.subarray(0, bytes)]);
      try {
        const answer = parseTunnelAnswer(head);
        if (answer === undefined) return;
        const rest = head.subarray(answer.end);
        head = undefined;
        resolve(answer);
        // The camera speaks when it is spoken to, but what it says at once belongs to the stream.
        if (answer.status === 200 && rest.length > 0) this.#handler.onRead(rest.length, rest);
      } catch (thrown) {
        reject(thrown);
      }
    });
    let cause: Error | undefined;
    socket.on('error', (error) => {
      cause = dialError(error, this.#target);
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      reject(cause ?? refused(0, this.#target));
      if (this.#get === socket) this.#fail(cause);
    });
    const cancel = this.#context.clock.after(answerTimeoutMs, () => reject(unanswered(this.#target)));
    try {
      socket.write(this.#head('GET'));
      const answer = await promise;
      if (answer.status !== 200) {
        socket.destroy();
        return answer;
      }
      this.#get = socket;
      return 'open';
    } catch (thrown) {
      socket.destroy();
      throw thrown;
    } finally {
      cancel();
    }
  }

  /** The half that our words go through; opened again where a server closes it between two of them. Its answer may never come. */
  async #openPost(): Promise<void> {
    this.#posting = true;
    try {
      const socket = await openSocket(this.#target, this.#context, () => {});
      if (this.#closed) return void socket.destroy();
      socket.on('error', () => {});
      socket.on('end', () => socket.destroy());
      socket.on('close', () => {
        if (this.#post === socket) this.#post = undefined;
      });
      this.#post = socket;
      socket.write(this.#head('POST'));
      // Not with the head: inside of TLS, GStreamer's server 1.22 waits for another record before it looks at what it has.
      socket.write(this.#waiting.join(''));
      this.#waiting = [];
      this.#waitingBytes = 0;
    } catch (thrown) {
      this.#fail(toWatchpostError(thrown));
    } finally {
      this.#posting = false;
    }
  }

  #head(method: 'GET' | 'POST'): string {
    const { host, port, path: target, userAgent } = this.#target;
    const authorization = this.#login.authorize(method, target);
    return writeTunnelRequest({
      ...{ method, target, userAgent, authorization },
      host: authorityOf(host, port),
      cookie: this.#cookie,
    });
  }
}

function refused(status: number, { host, port }: CameraTarget): WatchpostError {
  const isLogin = status === 401 || status === 403;
  const what = status === 0 ? 'closed the connection' : `answered ${status}`;
  const advice = isLogin
    ? 'check username and password of this source'
    : 'check the port, and that the camera allows RTSP over HTTP';
  return new WatchpostError(`${host}:${port} ${what} when asked for a tunnel — ${advice}`, {
    kind: isLogin ? 'unauthenticated' : 'unavailable',
    code: isLogin ? 'RTSP_CREDENTIALS_REFUSED' : 'RTSP_TUNNEL_REFUSED',
    context: { host, port, status },
  });
}

function unanswered({ host, port }: CameraTarget): WatchpostError {
  return new WatchpostError(
    `${host}:${port} does not answer a request for a tunnel — check the port, and that the camera allows RTSP over HTTP`,
    { kind: 'timeout', code: 'RTSP_TUNNEL_REFUSED', context: { host, port } },
  );
}
