import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { WebSocketServer } from 'ws';
import { type AdmittedViewer, admitViewer, refuseOffline } from '../../hub/admit-viewer.ts';
import { carriageOf, leftOut } from '../../hub/live-fmp4/carriage.ts';
import type { LiveChunk, LiveInit } from '../../hub/live-fmp4/live-chunk.ts';
import type { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import { LiveViewer, noViewers, type ViewerCounts, type ViewerFace, viewerStats } from '../../hub/live-viewer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { StreamHub } from '../../hub/stream-hub.ts';
import type { AccessRequest, ListenContext, Protocol } from '../../hub/types.ts';
import { endlessRoute, refuseOn, takeAnswer } from '../../net/media-answer.ts';
import { answerPreflight } from '../../net/preflight.ts';
import { binaryMessage } from './binary-message.ts';
import { FileFace, fmp4Type } from './file-face.ts';
import { WebSocketFace } from './web-socket-face.ts';

const prefix = '/fmp4/';
/** A player has nothing to say but pongs and its goodbye. */
const maxClientMessageBytes = 4096;
/** A file without a picture for so long is answered with the reason. */
const firstWithinMs = 15_000;

/** fMP4 at `/fmp4/{stream_id}`: over WebSocket for Media Source Extensions, over HTTP as a file without end. `live` is shared with HLS. */
export function createFmp4Protocol(options: { readonly live: LiveFmp4 }): Protocol {
  const counts = noViewers();
  return {
    name: 'fmp4',
    servesConsole: true,
    schemes: [],
    play: {
      path: (streamId) => `${prefix}${streamId}`,
      leftOut: (track) => leftOut([track])[0]?.reason,
      webSocket: true,
    },
    stats: () => viewerStats(counts),
    listen: async (hub, context) => new Fmp4Listener(hub, context, { live: options.live, counts }),
  };
}

/** Accepts viewers until it is disposed. */
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
  readonly #viewers = new Set<LiveViewer<LiveChunk>>();
  readonly #faces = new Map<Stream, Set<WebSocketFace>>();
  readonly #messages = new WeakMap<LiveChunk | LiveInit, Uint8Array>();
  readonly #forgetHub: () => void;
  #disposed = false;

  constructor(hub: StreamHub, context: ListenContext, options: { live: LiveFmp4; counts: ViewerCounts }) {
    this.#hub = hub;
    this.#context = context;
    this.#live = options.live;
    this.#counts = options.counts;
    context.http.app.route({
      ...endlessRoute,
      url: `${prefix}:streamId`,
      handler: (request, reply) => this.#answer(request, reply),
    });
    answerPreflight(context.http.app, `${prefix}:streamId`);
    context.http.onUpgrade(prefix, (request, socket, head) => void this.#upgrade(request, socket, head));
    this.#forgetHub = hub.onChange((change) => {
      if (change.type !== 'state') return;
      for (const face of this.#faces.get(change.stream) ?? []) face.showState();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#forgetHub();
    const reason = new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' });
    for (const viewer of [...this.#viewers]) viewer.close(reason);
  }

  async #answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    reply.header('access-control-allow-origin', '*');
    const admitted = await this.#admit(request.url, { headers: request.headers, remoteAddress: request.ip });
    const { stream } = admitted;
    refuseOffline(stream);
    refuseUncarried(stream);
    if (request.method === 'HEAD') return reply.type(fmp4Type).send();
    const answer = takeAnswer(reply, fmp4Type);
    if (answer !== undefined) this.#show(admitted, new FileFace(answer), { firstWithinMs });
    return reply;
  }

  /** Answers an upgrade: a viewer, or the problem as an HTTP answer. */
  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const remoteAddress = request.socket.remoteAddress ?? '';
      const admitted = await this.#admit(request.url ?? '/', { headers: request.headers, remoteAddress });
      const { stream } = admitted;
      if (socket.destroyed) return;
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        const frame = (payload: LiveChunk | LiveInit) => this.#frame(payload);
        const face = new WebSocketFace(webSocket, socket as Socket, { stream, frame, clock: this.#context.clock });
        const faces = this.#faces.get(stream) ?? new Set();
        this.#faces.set(stream, faces.add(face));
        this.#show(admitted, face, {
          onEnd: () => {
            faces.delete(face);
            if (faces.size === 0) this.#faces.delete(stream);
          },
        });
      });
    } catch (thrown) {
      refuseOn(socket as Socket, thrown);
    }
  }

  #show(
    { stream, grant }: AdmittedViewer,
    face: ViewerFace<LiveChunk>,
    more: { readonly firstWithinMs?: number; readonly onEnd?: () => void },
  ): void {
    const { clock } = this.#context;
    const viewer: LiveViewer<LiveChunk> = new LiveViewer(face, {
      ...{ stream, grant, clock, counts: this.#counts, protocol: 'fmp4' },
      ...more,
      open: (options) => this.#live.open(stream, options),
      onEnd: () => {
        this.#viewers.delete(viewer);
        more.onEnd?.();
      },
    });
    this.#viewers.add(viewer);
  }

  async #admit(url: string, from: Pick<AccessRequest, 'headers' | 'remoteAddress'>): Promise<AdmittedViewer> {
    const { pathname, searchParams: query } = new URL(url, 'http://host');
    if (this.#disposed) throw new WatchpostError('The server is stopping', { kind: 'unavailable', code: 'SHUTDOWN' });
    const streamId = pathname.slice(prefix.length);
    return admitViewer({ hub: this.#hub, access: this.#context.access }, { streamId, query, ...from });
  }

  #frame(payload: LiveChunk | LiveInit): Uint8Array {
    let message = this.#messages.get(payload);
    if (message === undefined) {
      message = binaryMessage(payload.bytes);
      this.#messages.set(payload, message);
    }
    return message;
  }
}

function refuseUncarried({ id, tracks }: Stream): void {
  if (tracks.length === 0 || tracks.some((track) => carriageOf(track) !== 'none')) return;
  const reasons = leftOut(tracks).map(({ reason }) => reason);
  throw new WatchpostError(`MP4 carries nothing of the stream "${id}" — ${reasons.join('; ')}`, {
    kind: 'unsupported',
    code: 'FMP4_NOTHING_TO_CARRY',
  });
}
