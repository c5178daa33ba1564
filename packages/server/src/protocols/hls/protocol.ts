import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { StreamHub } from '../../hub/stream-hub.ts';
import type { ListenContext, Protocol } from '../../hub/types.ts';
import { awaitTracks } from './await-tracks.ts';
import { type Container, fittingContainer, hlsLeftOut, suffixOf } from './container.ts';
import { LivePlaylist } from './live-playlist.ts';
import { hlsSettings } from './section.ts';

const playlistType = 'application/vnd.apple.mpegurl';
const mediaTypes: Readonly<Record<Container, string>> = { ts: 'video/mp2t', fmp4: 'video/mp4' };
/** The init segment of the newest segment; playlists name versions, as this one changes. */
const newestInit = 'init.mp4';
/**
 * Numbers of segments begin with the half seconds since 2024 UTC: they grow over restarts, as no segment but one cut off
 * by its camera is so short, and fit into 31 bits until 2058.
 */
const numbersSinceMs = Date.UTC(2024, 0, 1);
const msPerNumber = 500;

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
    play: { path: (streamId) => `/hls/${streamId}/index.m3u8`, leftOut: hlsLeftOut },
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
  readonly file: string;
}

/** The routes of HLS, and the playlists that are alive. */
class HlsListener {
  readonly #hub: StreamHub;
  readonly #context: ListenContext;
  readonly #live: LiveFmp4;
  readonly #counts: Counts;
  readonly #playlists: Readonly<Record<Container, Map<Stream, LivePlaylist>>> = { ts: new Map(), fmp4: new Map() };
  readonly #lastNumbers = new Map<string, number>();
  #closed = false;

  constructor(hub: StreamHub, context: ListenContext, options: { live: LiveFmp4; counts: Counts }) {
    this.#hub = hub;
    this.#context = context;
    this.#live = options.live;
    this.#counts = options.counts;
    context.http.app.get<{ Params: Params }>('/hls/:streamId/:file', { schema: { hide: true } }, (request, reply) =>
      this.#answer(request, reply),
    );
  }

  get muxing(): number {
    return this.#playlists.ts.size + this.#playlists.fmp4.size;
  }

  close(): void {
    this.#closed = true;
    const reason = new WatchpostError('The server is stopping', { kind: 'unavailable', code: 'SHUTDOWN' });
    for (const playlists of Object.values(this.#playlists)) {
      for (const playlist of [...playlists.values()]) playlist.close(reason);
    }
  }

  async #answer(request: FastifyRequest<{ Params: Params }>, reply: FastifyReply): Promise<FastifyReply> {
    const { streamId, file } = request.params;
    const query = new URLSearchParams(request.url.split('?')[1] ?? '');
    reply.header('access-control-allow-origin', '*');
    const { headers, ip: remoteAddress } = request;
    await this.#context.access.authorize({ action: 'live', streamId, headers, query, remoteAddress });
    const stream = this.#closed ? undefined : this.#hub.get(streamId);
    if (stream === undefined) {
      throw notFound(`There is no stream "${streamId}" — see GET /api/v1/streams`, 'STREAM_NOT_FOUND');
    }
    if (file === 'index.m3u8') return this.#sendPlaylist(stream, query, reply);
    return this.#sendMedia(stream, file, reply);
  }

  async #sendPlaylist(stream: Stream, query: URLSearchParams, reply: FastifyReply): Promise<FastifyReply> {
    const token = query.get('token');
    const container = await this.#containerFor(stream, query.get('container'));
    const text = await this.#open(stream, container).text(token === null ? '' : `?token=${encodeURIComponent(token)}`);
    this.#counts.playlists++;
    return reply.header('cache-control', 'no-cache').type(playlistType).send(text);
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

  #sendMedia(stream: Stream, file: string, reply: FastifyReply): FastifyReply {
    const container = file.endsWith(`.${suffixOf.ts}`) ? 'ts' : 'fmp4';
    const bytes = bytesOf(file, this.#playlists[container].get(stream), container);
    if (bytes === undefined) {
      throw notFound(
        `"${file}" is not, or no longer, in the playlist — read index.m3u8 again`,
        'HLS_SEGMENT_NOT_FOUND',
      );
    }
    this.#counts.segments++;
    this.#counts.bytes += bytes.length;
    // Names are never used again, so what is under them never changes; shared caches would pass over the login.
    const isFixed = file !== newestInit;
    reply.header('cache-control', isFixed ? 'private, max-age=3600, immutable' : 'no-cache');
    return reply.type(mediaTypes[container]).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  #open(stream: Stream, container: Container): LivePlaylist {
    const playlists = this.#playlists[container];
    const known = playlists.get(stream);
    if (known !== undefined) return known;
    const { clock, section } = this.#context;
    const byTime = Math.floor((clock.wallMs() - numbersSinceMs) / msPerNumber);
    // A player that is moved from one container to the other finds that numbers go on.
    const other = this.#playlists[container === 'ts' ? 'fmp4' : 'ts'].get(stream);
    const playlist: LivePlaylist = new LivePlaylist({
      stream,
      container,
      live: this.#live,
      clock,
      settings: hlsSettings(section),
      firstNumber: Math.max(1, byTime, (this.#lastNumbers.get(stream.id) ?? 0) + 1, other?.nextNumber ?? 0),
      onEnd: (lastNumber) => {
        playlists.delete(stream);
        this.#lastNumbers.set(stream.id, Math.max(lastNumber, this.#lastNumbers.get(stream.id) ?? 0));
      },
    });
    if (!playlist.hasEnded) playlists.set(stream, playlist);
    return playlist;
  }
}

function bytesOf(file: string, playlist: LivePlaylist | undefined, container: Container): Uint8Array | undefined {
  if (file === newestInit) return playlist?.init();
  const name = /^(init|segment)_(\d{1,12})\.(mp4|m4s|ts)$/.exec(file);
  if (name === null) return undefined;
  const number = Number(name[2]);
  if (name[1] === 'init') return name[3] === 'mp4' ? playlist?.init(number) : undefined;
  return name[3] === suffixOf[container] ? playlist?.segment(number)?.bytes : undefined;
}

function notFound(message: string, code: string): WatchpostError {
  return new WatchpostError(message, { kind: 'not_found', code });
}
