import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Stream } from '../../hub/stream.ts';
import type { StreamHub } from '../../hub/stream-hub.ts';
import type { TalkDesk } from '../../hub/talk/talk-desk.ts';
import { codecsFor, type TalkFormat, TalkPacer } from '../../hub/talk/talk-pacer.ts';
import type { AccessControl, Grant, TalkChannel } from '../../hub/types.ts';
import { FieldError, toProblem } from '../../net/problem.ts';
import { closeCodeOf } from '../../net/web-socket-close.ts';
import { talkFormat } from '../schemas/talk.ts';

const maxMessageBytes = 64 * 1024;
/** Live speech that is later than this is dropped. */
const maxQueueMs = 1000;
/** A talker who says nothing for so long has forgotten to hang up. */
const silentAfterMs = 60_000;
const lookEveryMs = 5000;
/** Of RFC 6455 §7.4.1: going away, and an error inside. */
const closeGoingAway = 1001;
const closeInternal = 1011;

/** What talking by WebSocket needs. */
export interface TalkListenerOptions {
  readonly hub: StreamHub;
  readonly access: AccessControl;
  readonly clock: Clock;
  readonly desk: Pick<TalkDesk, 'open'>;
}

interface Admitted {
  readonly stream: Stream;
  readonly grant: Grant;
  readonly format: TalkFormat;
}

/** WebSockets at `/api/v1/streams/{id}/talk`: live speech to a device. */
export class TalkListener implements Disposable {
  /** Paths that begin like this are its own, if they end in `/talk`. */
  static readonly prefixes: readonly string[] = ['/api/v1/streams/', '/api/video/streams/'];
  readonly #options: TalkListenerOptions;
  readonly #webSockets = new WebSocketServer({
    ...{ noServer: true, perMessageDeflate: false, clientTracking: false },
    maxPayload: maxMessageBytes,
  });
  readonly #talkers = new Set<WebSocket>();

  constructor(options: TalkListenerOptions) {
    this.#options = options;
  }

  /** Answers an upgrade: calls the device first, so that a refusal is an HTTP answer with its reason. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    let channel: TalkChannel | undefined;
    try {
      const { stream, format, grant } = await this.#admit(request);
      channel = await this.#options.desk.open(stream, codecsFor(format));
      const open = channel;
      if (socket.destroyed) return open.close();
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#serve(webSocket, open, format);
        this.#endWith(webSocket, stream, grant);
      });
      // Where the handshake fails, nobody else hangs up.
      socket.once('close', () => open.close());
    } catch (thrown) {
      channel?.close();
      refuse(socket, thrown);
    }
  }

  [Symbol.dispose](): void {
    for (const webSocket of this.#talkers) webSocket.close(closeGoingAway, 'the server is stopping');
  }

  async #admit(request: IncomingMessage): Promise<Admitted> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://host');
    const streamId = /\/streams\/([^/]+)\/talk$/.exec(pathname)?.[1];
    if (streamId === undefined)
      throw new WatchpostError(`there is no WebSocket at ${pathname}`, { kind: 'not_found', code: 'ROUTE_NOT_FOUND' });
    const grant = await this.#options.access.authorize({
      ...{ action: 'talk', streamId, headers: request.headers, query: searchParams },
      remoteAddress: request.socket.remoteAddress ?? '',
    });
    const stream = this.#options.hub.get(streamId);
    if (stream === undefined)
      throw new WatchpostError(`There is no stream "${streamId}" — see GET /api/v1/streams`, {
        kind: 'not_found',
        code: 'STREAM_NOT_FOUND',
      });
    const format = talkFormat.safeParse(searchParams.get('codec') ?? undefined);
    if (!format.success) throw new FieldError([{ field: 'codec', message: 'may be "pcm", "pcma", "pcmu" or "aac"' }]);
    return { stream, grant, format: format.data };
  }

  /** Whoever may not speak any more is cut off, and who speaks through what is there no more. */
  #endWith(webSocket: WebSocket, stream: Stream, grant: Grant): void {
    const end = (reason: WatchpostError) => webSocket.close(closeCodeOf(reason), reason.code);
    const forgetGrant = grant.onEnd(end);
    const forgetHub = this.#options.hub.onChange((change) => {
      if (change.type !== 'removed' || change.stream !== stream) return;
      end(new WatchpostError('The stream was removed', { kind: 'not_found', code: 'STREAM_REMOVED' }));
    });
    webSocket.on('close', () => {
      forgetGrant();
      forgetHub();
    });
  }

  #serve(webSocket: WebSocket, channel: TalkChannel, format: TalkFormat): void {
    const { clock } = this.#options;
    const pacer = new TalkPacer(channel, clock, { format, maxQueueMs });
    let heardMs = clock.monotonicMs();
    let cancelLook = () => {};
    const look = () => {
      if (clock.monotonicMs() - heardMs > silentAfterMs)
        webSocket.close(closeGoingAway, 'nothing was said for a minute');
      cancelLook = clock.after(lookEveryMs, look);
    };
    look();
    this.#talkers.add(webSocket);
    webSocket.on('message', (data, isBinary) => {
      if (!isBinary) return;
      heardMs = clock.monotonicMs();
      pacer.push(data as Buffer);
    });
    webSocket.on('error', () => webSocket.terminate());
    webSocket.on('close', () => {
      this.#talkers.delete(webSocket);
      cancelLook();
      pacer.close();
      channel.close();
    });
    void channel.ended.then((reason) =>
      webSocket.close(closeInternal, (reason?.message ?? 'the device hung up').slice(0, 100)),
    );
    const { codec, clockRate, sampleRate = clockRate, channels = 1 } = channel.track;
    webSocket.send(JSON.stringify({ type: 'ready', codec, clock_rate: clockRate, sample_rate: sampleRate, channels }));
  }
}

function refuse(socket: Duplex, thrown: unknown): void {
  if (socket.destroyed) return;
  const problem = toProblem(thrown instanceof FieldError ? thrown : toWatchpostError(thrown));
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
