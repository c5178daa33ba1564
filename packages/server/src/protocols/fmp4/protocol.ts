import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { WebSocketServer } from 'ws';
import { leftOut } from '../../hub/live-fmp4/carriage.ts';
import type { LiveChunk, LiveInit } from '../../hub/live-fmp4/live-chunk.ts';
import type { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { StreamHub } from '../../hub/stream-hub.ts';
import type { ListenContext, Protocol } from '../../hub/types.ts';
import { toProblem } from '../../net/problem.ts';
import { binaryMessage } from './binary-message.ts';
import { Viewer, type ViewerCounts } from './viewer.ts';

const prefix = '/fmp4/';
/** A player has nothing to say but pongs and its goodbye. */
const maxClientMessageBytes = 4096;

/** fMP4 over WebSocket for Media Source Extensions: `/fmp4/{stream_id}`. `live` is shared with HLS. */
export function createFmp4Protocol(options: { readonly live: LiveFmp4 }): Protocol {
  const counts: ViewerCounts = { viewers: 0, opened: 0, bytes: 0, droppedSamples: 0, stuck: 0 };
  return {
    name: 'fmp4',
    schemes: [],
    play: { path: (streamId) => `/fmp4/${streamId}`, leftOut: (track) => leftOut([track])[0]?.reason },
    stats: () => ({
      viewers: counts.viewers,
      viewers_total: counts.opened,
      bytes_sent: counts.bytes,
      dropped_samples: counts.droppedSamples,
      stuck_viewers: counts.stuck,
    }),
    listen: async (hub, context) => {
      const listener = new Fmp4Listener(hub, context, { live: options.live, counts });
      context.http.onUpgrade(prefix, (request, socket, head) => void listener.upgrade(request, socket, head));
      return listener;
    },
  };
}

/** Accepts WebSockets until it is disposed. */
class Fmp4Listener implements AsyncDisposable {
  readonly #hub: StreamHub;
  readonly #context: ListenContext;
  readonly #live: LiveFmp4;
  readonly #counts: ViewerCounts;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxClientMessageBytes,
    clientTracking: false,
  });
  readonly #viewers = new Map<Stream, Set<Viewer>>();
  readonly #messages = new WeakMap<LiveChunk | LiveInit, Uint8Array>();
  readonly #forgetHub: () => void;
  #disposed = false;

  constructor(hub: StreamHub, context: ListenContext, options: { live: LiveFmp4; counts: ViewerCounts }) {
    this.#hub = hub;
    this.#context = context;
    this.#live = options.live;
    this.#counts = options.counts;
    this.#forgetHub = hub.onChange((change) => {
      if (change.type !== 'state') return;
      for (const viewer of this.#viewers.get(change.stream) ?? []) viewer.showState();
    });
  }

  /** Answers an upgrade: a viewer, or the problem as an HTTP answer. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const stream = await this.#admit(request);
      if (socket.destroyed) return;
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        const viewers = this.#viewers.get(stream) ?? new Set();
        this.#viewers.set(stream, viewers);
        const viewer = new Viewer(webSocket, socket as Socket, {
          stream,
          live: this.#live,
          clock: this.#context.clock,
          frame: (payload) => this.#frame(payload),
          counts: this.#counts,
          onEnd: () => this.#forget(stream, viewer),
        });
        viewers.add(viewer);
      });
    } catch (thrown) {
      refuse(socket, thrown);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#forgetHub();
    const reason = new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' });
    for (const viewers of this.#viewers.values()) for (const viewer of viewers) viewer.close(reason);
  }

  async #admit(request: IncomingMessage): Promise<Stream> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://host');
    const streamId = decodeId(pathname.slice(prefix.length));
    if (this.#disposed) throw new WatchpostError('The server is stopping', { kind: 'unavailable', code: 'SHUTDOWN' });
    await this.#context.access.authorize({
      action: 'live',
      streamId,
      headers: request.headers,
      query: searchParams,
      remoteAddress: request.socket.remoteAddress ?? '',
    });
    const stream = this.#hub.get(streamId);
    if (stream !== undefined) return stream;
    throw new WatchpostError(`There is no stream "${streamId}" — see GET /api/v1/streams`, {
      kind: 'not_found',
      code: 'STREAM_NOT_FOUND',
    });
  }

  #frame(payload: LiveChunk | LiveInit): Uint8Array {
    let message = this.#messages.get(payload);
    if (message === undefined) {
      message = binaryMessage(payload.bytes);
      this.#messages.set(payload, message);
    }
    return message;
  }

  #forget(stream: Stream, viewer: Viewer): void {
    const viewers = this.#viewers.get(stream);
    viewers?.delete(viewer);
    if (viewers?.size === 0) this.#viewers.delete(stream);
  }
}

function decodeId(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function refuse(socket: Duplex, thrown: unknown): void {
  if (socket.destroyed) return;
  const problem = toProblem(toWatchpostError(thrown));
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
