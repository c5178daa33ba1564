import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isOffline, refuseOffline } from '../../hub/admit-viewer.ts';
import type { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { StreamHub } from '../../hub/stream-hub.ts';
import type { ListenContext, Protocol } from '../../hub/types.ts';
import { wantsInitInSegments } from '../../net/player-quirks.ts';
import { answerPreflight } from '../../net/preflight.ts';
import { awaitTracks } from './await-tracks.ts';
import { type Container, fittingContainer, hlsLeftOut } from './container.ts';
import { LivePlaylists } from './live-playlists.ts';
import { findMedia } from './media-file.ts';
import { type Quality, sharedContainer, writeVariants } from './multivariant.ts';
import { readReload } from './reload.ts';
import { type HlsSettings, hlsSettings } from './section.ts';
import type { RenditionReport } from './write-playlist.ts';

const playlistType = 'application/vnd.apple.mpegurl';
const playlistFile = 'index.m3u8';
const subSuffix = '.sub';

interface Counts {
  playlists: number;
  segments: number;
  bytes: number;
}

/** HLS: `/hls/{stream_id}/index.m3u8` (RFC 8216), MPEG-TS or fMP4. `live` is shared with the other outputs of fMP4. */
export function createHlsProtocol(options: { readonly live: LiveFmp4 }): Protocol {
  const counts: Counts = { playlists: 0, segments: 0, bytes: 0 };
  const listeners = new Set<HlsListener>();
  return {
    name: 'hls',
    schemes: [],
    play: { path: (streamId) => `/hls/${streamId}/${playlistFile}`, leftOut: hlsLeftOut },
    stats: () => {
      let muxing = 0;
      for (const listener of listeners) muxing += listener.muxing;
      return {
        streams_muxed: muxing,
        playlists_sent: counts.playlists,
        segments_sent: counts.segments,
        bytes_sent: counts.bytes,
      };
    },
    listen: async (hub, context) => {
      const listener = new HlsListener(hub, context, { live: options.live, counts });
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

interface Params {
  readonly streamId: string;
  /** One quality of a stream that has two; under the name of the main one, so that its signature covers both. */
  readonly quality?: string;
  readonly file: string;
}

/** A stream as a player asked for it. */
interface Asked {
  readonly stream: Stream;
  /** The other quality, where the player came from the playlist of both. */
  readonly other?: { readonly quality: Quality; readonly stream: Stream } | undefined;
  readonly query: URLSearchParams;
  readonly userAgent: string | undefined;
}

/** The routes of HLS. */
class HlsListener {
  readonly #hub: StreamHub;
  readonly #context: ListenContext;
  readonly #counts: Counts;
  readonly #settings: () => HlsSettings;
  readonly #playlists: LivePlaylists;
  #closed = false;

  constructor(hub: StreamHub, context: ListenContext, options: { live: LiveFmp4; counts: Counts }) {
    const { clock, http, currentSection = () => context.section } = context;
    this.#hub = hub;
    this.#context = context;
    this.#counts = options.counts;
    this.#settings = () => hlsSettings(currentSection());
    this.#playlists = new LivePlaylists({ live: options.live, clock, settings: this.#settings });
    for (const path of ['/hls/:streamId/:file', '/hls/:streamId/:quality/:file']) {
      answerPreflight(http.app, path);
      http.app.get<{ Params: Params }>(path, { schema: { hide: true } }, (request, reply) =>
        this.#answer(request, reply),
      );
    }
  }

  get muxing(): number {
    return this.#playlists.count;
  }

  close(): void {
    this.#closed = true;
    this.#playlists.close(new WatchpostError('The server is stopping', { kind: 'unavailable', code: 'SHUTDOWN' }));
  }

  async #answer(request: FastifyRequest<{ Params: Params }>, reply: FastifyReply): Promise<FastifyReply> {
    const { streamId, quality, file } = request.params;
    const query = new URLSearchParams(request.url.split('?')[1] ?? '');
    reply.header('access-control-allow-origin', '*');
    const { headers, ip: remoteAddress } = request;
    const userAgent = headers['user-agent'];
    await this.#context.access.authorize({ action: 'live', streamId, headers, query, remoteAddress });
    const main = this.#closed ? undefined : this.#hub.get(streamId);
    if (main === undefined) throw notFound(`There is no stream "${streamId}" — see GET /api/v1/streams`);
    const sub = this.#hub.get(streamId + subSuffix);
    if (quality !== undefined) return this.#answerQuality({ main, sub, quality, file, query, userAgent }, reply);
    if (file !== playlistFile) return this.#sendMedia(main, file, reply);
    const isForced = query.has('container');
    if (this.#settings().adaptive && sub !== undefined && !isForced)
      return this.#sendVariants({ main, sub, query }, reply);
    return this.#sendPlaylist({ stream: main, query, userAgent }, reply);
  }

  #answerQuality(
    asked: Omit<Asked, 'stream' | 'other'> & { main: Stream; sub: Stream | undefined; quality: string; file: string },
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { main, sub, quality, file, query, userAgent } = asked;
    const stream = quality === 'main' ? main : quality === 'sub' ? sub : undefined;
    if (stream === undefined) throw notFound(`The stream "${main.id}" has no quality "${quality}"`);
    if (file !== playlistFile) return this.#sendMedia(stream, file, reply);
    const other = sub && (stream === main ? { quality: 'sub', stream: sub } : { quality: 'main', stream: main });
    return this.#sendPlaylist({ stream, query, userAgent, other: other as Asked['other'] }, reply);
  }

  async #sendVariants(
    asked: { main: Stream; sub: Stream; query: URLSearchParams },
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { main, sub, query } = asked;
    const { clock } = this.#context;
    const streams = [main, sub];
    if (!streams.some((stream) => this.#mayPlay(stream))) refuseOffline(main);
    await Promise.all(streams.map((stream) => (stream.tracks.length === 0 ? awaitTracks(stream, clock) : undefined)));
    const container = sharedContainer(streams.map((stream) => ({ stream })));
    const renditions = ([main, sub] as const).map((stream) => ({
      quality: stream === main ? ('main' as const) : ('sub' as const),
      stream,
      peakBitrate: this.#playlists.get(stream, container)?.peakBitrate ?? 0,
    }));
    this.#counts.playlists++;
    const text = writeVariants(renditions, container, `?container=${container}${tokenOf(query, '&')}`);
    return reply.header('cache-control', 'no-cache').type(playlistType).send(text);
  }

  async #sendPlaylist(asked: Asked, reply: FastifyReply): Promise<FastifyReply> {
    const { stream, query, userAgent } = asked;
    const reload = readReload(query);
    if (!this.#mayPlay(stream)) refuseOffline(stream);
    const container = await this.#containerFor(stream, query.get('container'));
    const playlist = this.#playlists.open(stream, container);
    // A player that changes goes on where it is: the other quality must cover that time, and be reported (Appendix B.1).
    // hls.js stops for good, without an error, before a playlist that begins after what it has buffered.
    if (asked.other !== undefined) this.#playlists.open(asked.other.stream, container).touch();
    const text = await playlist.text({
      ...reload,
      tokenQuery: tokenOf(query, '?'),
      initInSegments: wantsInitInSegments(userAgent),
      renditions: () => this.#reports(asked, container),
    });
    this.#counts.playlists++;
    // VLC 3 gets another one than the others: RFC 9110 §12.5.5.
    return reply.header('cache-control', 'no-cache').header('vary', 'User-Agent').type(playlistType).send(text);
  }

  /** A camera that goes away leaves its segments to those who watch, and comes back to them. */
  #mayPlay(stream: Stream): boolean {
    const isAlive = this.#playlists.get(stream, 'ts') ?? this.#playlists.get(stream, 'fmp4');
    return isAlive !== undefined || !isOffline(stream);
  }

  #reports({ other, query }: Asked, container: Container): readonly RenditionReport[] {
    const newest = other && this.#playlists.get(other.stream, container)?.newest;
    if (other === undefined || newest === undefined) return [];
    const uri = `../${other.quality}/${playlistFile}?container=${container}${tokenOf(query, '&')}`;
    return [{ uri, lastSegment: newest.segment, lastPart: newest.part }];
  }

  async #containerFor(stream: Stream, wanted: string | null): Promise<Container> {
    if (wanted === 'ts' || wanted === 'fmp4') return wanted;
    if (wanted !== null) {
      throw new WatchpostError(`There is no container "${wanted}" — ts and fmp4 are known`, {
        kind: 'invalid_argument',
        code: 'HLS_CONTAINER_UNKNOWN',
      });
    }
    if (stream.tracks.length === 0) await awaitTracks(stream, this.#context.clock);
    return fittingContainer(stream.tracks);
  }

  async #sendMedia(stream: Stream, file: string, reply: FastifyReply): Promise<FastifyReply> {
    const found = await findMedia(file, (container) => this.#playlists.get(stream, container));
    if (found === undefined) {
      throw notFound(
        `"${file}" is not, or no longer, in the playlist — read index.m3u8 again`,
        'HLS_SEGMENT_NOT_FOUND',
      );
    }
    const { bytes, mediaType, isFixed } = found;
    this.#counts.segments++;
    this.#counts.bytes += bytes.length;
    // Shared caches would pass over the login.
    reply.header('cache-control', isFixed ? 'private, max-age=3600, immutable' : 'no-cache');
    return reply.type(mediaType).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
}

/** The signature of the request, for the addresses in its answer. */
function tokenOf(query: URLSearchParams, before: string): string {
  const token = query.get('token');
  return token === null ? '' : `${before}token=${encodeURIComponent(token)}`;
}

function notFound(message: string, code = 'STREAM_NOT_FOUND'): WatchpostError {
  return new WatchpostError(message, { kind: 'not_found', code });
}
