import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { leftOut } from '../../hub/live-fmp4/carriage.ts';
import type { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { StreamHub } from '../../hub/stream-hub.ts';
import type { ListenContext, Protocol } from '../../hub/types.ts';
import { LivePlaylist } from './live-playlist.ts';
import { hlsSettings } from './section.ts';

const playlistType = 'application/vnd.apple.mpegurl';
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

/** HLS with fMP4 segments: `/hls/{stream_id}/index.m3u8` (RFC 8216). `live` is shared with fMP4 over WebSocket. */
export function createHlsProtocol(options: { readonly live: LiveFmp4 }): Protocol {
  const counts: Counts = { playlists: 0, segments: 0, bytes: 0 };
  const listeners = new Set<HlsListener>();
  return {
    name: 'hls',
    schemes: [],
    play: { path: (streamId) => `/hls/${streamId}/index.m3u8`, leftOut: (track) => leftOut([track])[0]?.reason },
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
  readonly #playlists = new Map<Stream, LivePlaylist>();
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
    return this.#playlists.size;
  }

  close(): void {
    this.#closed = true;
    const reason = new WatchpostError('The server is stopping', { kind: 'unavailable', code: 'SHUTDOWN' });
    for (const playlist of [...this.#playlists.values()]) playlist.close(reason);
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
    const text = await this.#open(stream).text(token === null ? '' : `?token=${encodeURIComponent(token)}`);
    this.#counts.playlists++;
    return reply.header('cache-control', 'no-cache').type(playlistType).send(text);
  }

  #sendMedia(stream: Stream, file: string, reply: FastifyReply): FastifyReply {
    const name = /^(init|segment)_(\d{1,12})\.(mp4|m4s)$/.exec(file);
    const playlist = this.#playlists.get(stream);
    const number = Number(name?.[2]);
    const bytes = name?.[1] === 'init' ? playlist?.init(number) : playlist?.segment(number)?.bytes;
    if (name === null || bytes === undefined) {
      throw notFound(
        `"${file}" is not, or no longer, in the playlist — read index.m3u8 again`,
        'HLS_SEGMENT_NOT_FOUND',
      );
    }
    this.#counts.segments++;
    this.#counts.bytes += bytes.length;
    // Names are never used again, so what is under them never changes; shared caches would pass over the login.
    reply.header('cache-control', 'private, max-age=3600, immutable');
    return reply.type('video/mp4').send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  #open(stream: Stream): LivePlaylist {
    const known = this.#playlists.get(stream);
    if (known !== undefined) return known;
    const { clock, section } = this.#context;
    const byTime = Math.floor((clock.wallMs() - numbersSinceMs) / msPerNumber);
    const playlist: LivePlaylist = new LivePlaylist({
      stream,
      live: this.#live,
      clock,
      settings: hlsSettings(section),
      firstNumber: Math.max(1, byTime, (this.#lastNumbers.get(stream.id) ?? 0) + 1),
      onEnd: (lastNumber) => {
        this.#playlists.delete(stream);
        this.#lastNumbers.set(stream.id, lastNumber);
      },
    });
    this.#playlists.set(stream, playlist);
    return playlist;
  }
}

function notFound(message: string, code: string): WatchpostError {
  return new WatchpostError(message, { kind: 'not_found', code });
}
