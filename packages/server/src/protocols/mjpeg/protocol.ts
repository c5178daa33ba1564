import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isPictureCodec } from '../../decode/picture.ts';
import { type AdmittedViewer, admitViewer, refuseOffline } from '../../hub/admit-viewer.ts';
import { LiveViewer, noViewers, type ViewerCounts, type ViewerFace, viewerStats } from '../../hub/live-viewer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { StreamHub } from '../../hub/stream-hub.ts';
import type { ListenContext, Protocol } from '../../hub/types.ts';
import { type EndlessAnswer, endlessRoute, takeAnswer } from '../../net/media-answer.ts';
import { answerPreflight } from '../../net/preflight.ts';
import { firstDelimiter, type JpegPart, mjpegType } from './jpeg-part.ts';
import type { Renderer } from './key-picture-renderer.ts';
import { LiveJpegs } from './live-jpegs.ts';
import { renderIntervalMs } from './section.ts';

const prefix = '/mjpeg/';
/** A group of pictures may be long, and the first one must be rendered. */
const firstWithinMs = 20_000;
/** Old pictures are of no use to anybody. */
const maxLagMs = 2000;

interface Counts extends ViewerCounts {
  failed: number;
}

/** JPEG pictures over HTTP: `/mjpeg/{stream_id}`. `decoder` renders key pictures of other codecs. */
export function createMjpegProtocol(parts: { readonly decoder: Renderer }): Protocol {
  const counts: Counts = { ...noViewers(), failed: 0 };
  return {
    name: 'mjpeg',
    schemes: [],
    play: { path: (streamId) => `${prefix}${streamId}`, leftOut },
    stats: () => ({ ...viewerStats(counts), failed_pictures: counts.failed }),
    listen: async (hub, context) => new MjpegListener(hub, context, { ...parts, counts }),
  };
}

function leftOut(track: Track): string | undefined {
  if (track.kind !== 'video') return 'MJPEG over HTTP has no sound';
  if (isPictureCodec(track.codec)) return undefined;
  return `Pictures of ${track.codec} are not decoded here: set the camera to H.264, H.265 or MJPEG`;
}

/** Accepts viewers until it is disposed. */
class MjpegListener implements AsyncDisposable {
  readonly #hub: StreamHub;
  readonly #context: ListenContext;
  readonly #counts: Counts;
  readonly #jpegs: LiveJpegs;
  readonly #viewers = new Set<LiveViewer<JpegPart>>();
  #disposed = false;

  constructor(hub: StreamHub, context: ListenContext, options: { decoder: Renderer; counts: Counts }) {
    const { clock, http, logger, currentSection = () => context.section } = context;
    const { decoder, counts } = options;
    this.#hub = hub;
    this.#context = context;
    this.#counts = counts;
    this.#jpegs = new LiveJpegs({
      ...{ clock, decoder, budget: hub.budget, intervalMs: () => renderIntervalMs(currentSection()) },
      onFailure: (stream, { code, message }) => {
        counts.failed++;
        logger.debug('A key picture was not rendered', { stream: stream.id, code, message });
      },
    });
    http.app.route({
      ...endlessRoute,
      url: `${prefix}:streamId`,
      handler: (request, reply) => this.#answer(request, reply),
    });
    answerPreflight(http.app, `${prefix}:streamId`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const reason = new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' });
    for (const viewer of [...this.#viewers]) viewer.close(reason);
  }

  async #answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    reply.header('access-control-allow-origin', '*');
    const { pathname, searchParams: query } = new URL(request.url, 'http://host');
    const { headers, ip: remoteAddress } = request;
    if (this.#disposed) throw new WatchpostError('The server is stopping', { kind: 'unavailable', code: 'SHUTDOWN' });
    const asked = { streamId: pathname.slice(prefix.length), query, headers, remoteAddress };
    const admitted = await admitViewer({ hub: this.#hub, access: this.#context.access }, asked);
    const { stream } = admitted;
    refuseOffline(stream);
    refuseWithoutPicture(stream);
    if (request.method === 'HEAD') return reply.type(mjpegType).send();
    const answer = takeAnswer(reply, mjpegType);
    if (answer !== undefined) this.#show(admitted, answer);
    return reply;
  }

  #show({ stream, grant }: AdmittedViewer, answer: EndlessAnswer): void {
    const { clock } = this.#context;
    const viewer: LiveViewer<JpegPart> = new LiveViewer(partsFace(answer), {
      ...{ stream, grant, clock, counts: this.#counts, protocol: 'mjpeg', firstWithinMs, maxLagMs },
      open: (options) => this.#jpegs.open(stream, options),
      onEnd: () => this.#viewers.delete(viewer),
    });
    this.#viewers.add(viewer);
  }
}

/** Parts of one answer. */
function partsFace(answer: EndlessAnswer): ViewerFace<JpegPart> {
  const { socket } = answer;
  let hasBegun = false;
  return {
    socket,
    show: ({ bytes }) => {
      if (!hasBegun) {
        answer.begin();
        socket.write(firstDelimiter, 'latin1');
      }
      hasBegun = true;
      return bytes;
    },
    end: (reason) => answer.end(reason, hasBegun),
  };
}

function refuseWithoutPicture({ id, tracks }: Stream): void {
  const pictures = tracks.filter(({ kind }) => kind === 'video');
  if (tracks.length === 0 || pictures.some(({ codec }) => isPictureCodec(codec))) return;
  const why = pictures.map(leftOut).join('; ') || 'it has no picture';
  throw new WatchpostError(`There are no JPEG pictures of the stream "${id}" — ${why}`, {
    kind: 'unsupported',
    code: 'MJPEG_NO_PICTURE',
  });
}
