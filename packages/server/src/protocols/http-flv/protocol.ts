import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { flvLeftOut } from '@watchpost/media/container/flv/carriage.ts';
import type { FlvH265 } from '@watchpost/media/container/flv/sequence-header.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { WebSocketServer } from 'ws';
import { type AdmittedViewer, admitViewer, refuseOffline } from '../../hub/admit-viewer.ts';
import { readFlvH265 } from '../../hub/live-flv/asked-h265.ts';
import { BatchVoices } from '../../hub/live-flv/batch-voices.ts';
import type { LiveFlv } from '../../hub/live-flv/live-flv.ts';
import { LiveViewer, noViewers, type ViewerCounts, viewerStats } from '../../hub/live-viewer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { StreamHub } from '../../hub/stream-hub.ts';
import type { AccessRequest, ListenContext, Protocol } from '../../hub/types.ts';
import { endlessRoute, refuseOn, takeAnswer } from '../../net/media-answer.ts';
import { answerPreflight } from '../../net/preflight.ts';
import { type FlvBatch, openLiveFlv } from './flv-batch.ts';
import { FlvFace } from './flv-face.ts';
import { mergeWritesMs } from './section.ts';
import { flvType, httpTransport, type Transport, webSocketTransport } from './transport.ts';

const prefix = '/flv/';
const suffix = '.flv';
/** A player has nothing to say but its goodbye. */
const maxClientMessageBytes = 4096;
/** A camera that is pulled on demand has so long for its first picture. */
const firstWithinMs = 15_000;

/** FLV over HTTP and WebSocket: `/flv/{stream_id}.flv`, with `?hevc=12` H.265 under its old codec id. */
export function createFlvProtocol(): Protocol {
  const counts = noViewers();
  const listeners = new Set<FlvListener>();
  return {
    name: 'flv',
    schemes: [],
    play: { path: (streamId) => `${prefix}${streamId}${suffix}`, leftOut: flvLeftOut, webSocket: true },
    stats: () => {
      let muxing = 0;
      for (const listener of listeners) muxing += listener.muxing;
      return { ...viewerStats(counts), streams_muxed: muxing };
    },
    listen: async (hub, context) => {
      const listener = new FlvListener(hub, context, counts);
      listeners.add(listener);
      return {
        [Symbol.asyncDispose]: async () => {
          listeners.delete(listener);
          listener.close();
        },
      };
    },
  };
}

/** Who asks for which stream, however the request came. */
interface Admission extends AdmittedViewer {
  readonly h265: FlvH265;
}

/** Accepts viewers until it is closed. */
class FlvListener {
  readonly #hub: StreamHub;
  readonly #context: ListenContext;
  readonly #counts: ViewerCounts;
  /** Of viewers over HTTP, and over WebSockets. */
  readonly #tags: BatchVoices<FlvBatch>;
  readonly #messages: BatchVoices<FlvBatch>;
  readonly #live: LiveFlv<FlvBatch>;
  readonly #viewers = new Set<LiveViewer<FlvBatch>>();
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxClientMessageBytes,
    clientTracking: false,
  });
  #closed = false;

  constructor(hub: StreamHub, context: ListenContext, counts: ViewerCounts) {
    this.#hub = hub;
    this.#context = context;
    this.#counts = counts;
    const onSent = (bytes: number) => {
      counts.bytes += bytes;
    };
    this.#tags = new BatchVoices((batch) => batch.tags, onSent);
    this.#messages = new BatchVoices((batch) => batch.message, onSent);
    const { clock, http, currentSection = () => context.section } = context;
    this.#live = openLiveFlv({ clock, budget: hub.budget, mergeMs: () => mergeWritesMs(currentSection()) });
    http.app.route({
      ...endlessRoute,
      url: `${prefix}:file`,
      handler: (request, reply) => this.#answer(request, reply),
    });
    answerPreflight(http.app, `${prefix}:file`);
    http.onUpgrade(prefix, (request, socket, head) => void this.#upgrade(request, socket, head));
  }

  get muxing(): number {
    return this.#live.active;
  }

  close(): void {
    this.#closed = true;
    const reason = new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' });
    for (const viewer of [...this.#viewers]) viewer.close(reason);
  }

  async #answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    reply.header('access-control-allow-origin', '*');
    const { headers, ip: remoteAddress } = request;
    const admission = await this.#admit(request.url, { headers, remoteAddress });
    if (request.method === 'HEAD') return reply.type(flvType).send();
    const answer = takeAnswer(reply, flvType);
    if (answer !== undefined) this.#show(httpTransport(answer), admission);
    return reply;
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const remoteAddress = request.socket.remoteAddress ?? '';
      const admission = await this.#admit(request.url ?? '/', { headers: request.headers, remoteAddress });
      if (socket.destroyed) return;
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('error', () => webSocket.terminate());
        this.#show(webSocketTransport(webSocket, socket), admission);
      });
    } catch (thrown) {
      refuseOn(socket as Socket, thrown);
    }
  }

  #show(transport: Transport, { stream, grant, h265 }: Admission): void {
    const { clock } = this.#context;
    const voices = transport.messages ? this.#messages : this.#tags;
    const viewer: LiveViewer<FlvBatch> = new LiveViewer(new FlvFace(transport, voices), {
      ...{ stream, grant, clock, firstWithinMs, counts: this.#counts, protocol: 'flv' },
      open: (options) => this.#live.open(stream, h265, options),
      onEnd: () => this.#viewers.delete(viewer),
    });
    this.#viewers.add(viewer);
  }

  async #admit(url: string, from: Pick<AccessRequest, 'headers' | 'remoteAddress'>): Promise<Admission> {
    const { pathname, searchParams: query } = new URL(url, 'http://host');
    const streamId = streamIdOf(pathname);
    const h265 = readFlvH265(query);
    if (this.#closed) throw new WatchpostError('The server is stopping', { kind: 'unavailable', code: 'SHUTDOWN' });
    const admitted = await admitViewer({ hub: this.#hub, access: this.#context.access }, { streamId, query, ...from });
    const { stream } = admitted;
    refuseOffline(stream);
    const reason = nothingToCarry(stream);
    if (reason !== undefined) throw reason;
    return { ...admitted, h265 };
  }
}

function nothingToCarry({ id, tracks }: Stream): WatchpostError | undefined {
  const reasons = tracks.map(flvLeftOut);
  if (reasons.length === 0 || reasons.includes(undefined)) return undefined;
  return new WatchpostError(`FLV carries nothing of the stream "${id}" — ${reasons.join('; ')}`, {
    kind: 'unsupported',
    code: 'FLV_NOTHING_TO_CARRY',
  });
}

function streamIdOf(pathname: string): string {
  const file = pathname.slice(prefix.length);
  if (!file.endsWith(suffix)) {
    throw new WatchpostError('There is no such file — ask for /flv/STREAM_ID.flv', {
      kind: 'not_found',
      code: 'FLV_NOT_FOUND',
    });
  }
  return file.slice(0, -suffix.length);
}
