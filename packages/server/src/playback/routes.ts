import { Readable } from 'node:stream';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AccessControl } from '../hub/types.ts';
import type { HttpServer } from '../net/http-server.ts';
import { parseByteRange } from './byte-range.ts';
import type { Playback, PlaybackFile } from './playback.ts';

/** What the routes of playback need. */
export interface PlaybackRoutesOptions {
  readonly playback: Playback;
  readonly access: AccessControl;
}

type StreamRequest = FastifyRequest<{ Params: { streamId: string; file: string; segmentId: string; part: string } }>;

const playlistType = 'application/vnd.apple.mpegurl';

/**
 * `GET /recordings-hls/{stream_id}/index.m3u8?start=&end=`, `…/{segment_id}.mp4` with ranges, and
 * `…/{segment_id}/flac/…` for files whose sound HLS players do not decode.
 */
export function registerPlaybackRoutes(http: HttpServer, options: PlaybackRoutesOptions): void {
  const { playback, access } = options;
  const base = { method: ['GET', 'HEAD'] as ('GET' | 'HEAD')[], exposeHeadRoute: false, schema: { hide: true } };
  http.app.route({
    ...base,
    url: '/recordings-hls/:streamId/:file',
    handler: async (incoming, reply) => {
      const request = incoming as StreamRequest;
      const query = await admit(request, reply, access);
      const { streamId, file } = request.params;
      if (file === 'index.m3u8') return sendPlaylist(playback, { streamId, query, reply });
      if (!file.endsWith('.mp4')) throw notFound(file);
      return sendFile(request, reply, await playback.file(streamId, file.slice(0, -4)));
    },
  });
  http.app.route({
    ...base,
    url: '/recordings-hls/:streamId/:segmentId/flac/:part',
    handler: async (incoming, reply) => {
      const request = incoming as StreamRequest;
      await admit(request, reply, access);
      const { streamId, segmentId, part } = request.params;
      const range = /^(\d{1,15})-(\d{1,15})\.m4s$/.exec(part);
      if (part !== 'init.mp4' && range === null) throw notFound(part);
      const bytes =
        range === null
          ? await playback.flacInit(streamId, segmentId)
          : await playback.flacPart(streamId, segmentId, { start: Number(range[1]), end: Number(range[2]) });
      reply.header('cache-control', 'private, max-age=86400, immutable').type('video/mp4');
      reply.header('content-length', bytes.length);
      if (request.method === 'HEAD') return reply.send();
      return reply.send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    },
  });
}

async function admit(request: StreamRequest, reply: FastifyReply, access: AccessControl): Promise<URLSearchParams> {
  reply.header('access-control-allow-origin', '*');
  const query = new URLSearchParams(request.url.split('?')[1] ?? '');
  const { headers, ip: remoteAddress } = request;
  await access.authorize({ action: 'playback', streamId: request.params.streamId, headers, query, remoteAddress });
  return query;
}

async function sendPlaylist(
  playback: Playback,
  asked: { readonly streamId: string; readonly query: URLSearchParams; readonly reply: FastifyReply },
): Promise<FastifyReply> {
  const { streamId, query, reply } = asked;
  const token = query.get('token');
  const text = await playback.playlist(streamId, instantOf(query, 'start'), instantOf(query, 'end'), {
    tokenQuery: token === null ? '' : `?token=${encodeURIComponent(token)}`,
  });
  return reply.header('cache-control', 'no-cache').type(playlistType).send(text);
}

/** RFC 3339, or ms since 1970 UTC. */
function instantOf(query: URLSearchParams, name: string): number {
  // A "+" of a time zone that was not escaped arrives as a space.
  const text = (query.get(name) ?? '').replace(' ', '+');
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  throw new WatchpostError(
    `${name}: "${text}" is not a time — use RFC 3339 ("2026-02-11T10:00:00Z") or milliseconds since 1970`,
    { kind: 'invalid_argument', code: 'PLAYBACK_RANGE' },
  );
}

/** A file or a range of it (RFC 9110 §14). */
function sendFile(request: FastifyRequest, reply: FastifyReply, file: PlaybackFile): FastifyReply {
  const { headers } = request;
  reply.header('accept-ranges', 'bytes').header('etag', file.etag).type('video/mp4');
  reply.header('cache-control', file.closed ? 'private, max-age=86400' : 'private, no-cache');
  if (headers['if-none-match'] === file.etag) return reply.code(304).send();
  const ifRange = headers['if-range'];
  const isAsked = ifRange === undefined || ifRange === file.etag;
  const range = isAsked ? parseByteRange(headers.range, file.bytes) : undefined;
  if (range === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${file.bytes}`).send();
  const { start, end } = range ?? { start: 0, end: file.bytes };
  reply.header('content-length', end - start);
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${file.bytes}`);
  if (request.method === 'HEAD') return reply.send();
  return reply.send(Readable.from(file.read({ start, end }), { objectMode: false }));
}

function notFound(file: string): WatchpostError {
  return new WatchpostError(`There is no "${file}" here — playback begins with index.m3u8?start=…&end=…`, {
    kind: 'not_found',
    code: 'PLAYBACK_NOT_FOUND',
  });
}
