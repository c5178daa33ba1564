import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseInstant } from '@watchpost/base/text/instant.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AccessControl } from '../hub/types.ts';
import type { HttpServer } from '../net/http-server.ts';
import { wantsInitInSegments } from '../net/player-quirks.ts';
import { answerPreflight } from '../net/preflight.ts';
import type { ByteRange } from './byte-range.ts';
import type { Playback } from './playback.ts';
import type { PlaylistOptions } from './playlist-options.ts';
import { askedBy, sendFile, sendMp4 } from './send-file.ts';

/** What the routes of playback need. */
export interface PlaybackRoutesOptions {
  readonly playback: Playback;
  readonly access: AccessControl;
}

type SpeedRequest = FastifyRequest<{
  Params: { streamId: string; speed: string; segmentId: string; part: string };
}>;
type StreamRequest = FastifyRequest<{ Params: { streamId: string; file: string; segmentId: string; part: string } }>;

const mediaRoute = { method: ['GET', 'HEAD'] as ('GET' | 'HEAD')[], exposeHeadRoute: false, schema: { hide: true } };
const playlistType = 'application/vnd.apple.mpegurl';

/**
 * `GET /recordings-hls/{stream_id}/index.m3u8?start=&end=`, `…/{segment_id}.mp4` with ranges,
 * `…/{segment_id}/flac/…` for files whose sound HLS players do not decode, `/recordings-mp4/…` for one file and
 * `/recordings-speed/…` for other paces.
 */
export function registerPlaybackRoutes(http: HttpServer, options: PlaybackRoutesOptions): void {
  const { playback, access } = options;
  registerMp4Route(http, options);
  registerSpeedRoutes(http, options);
  for (const folder of ['hls', 'mp4', 'speed']) answerPreflight(http.app, `/recordings-${folder}/*`);
  http.app.route({
    ...mediaRoute,
    url: '/recordings-hls/:streamId/:file',
    handler: async (incoming, reply) => {
      const request = incoming as StreamRequest;
      const query = await admit(request, reply, access);
      const { streamId, file } = request.params;
      if (file === 'index.m3u8') {
        const [startMs, endMs] = [instantOf(query, 'start'), instantOf(query, 'end')];
        return sendPlaylist(reply, await playback.playlist(streamId, startMs, endMs, optionsOf(request, query)));
      }
      if (!file.endsWith('.mp4')) throw notFound(file);
      return sendFile(request, reply, await playback.file(streamId, file.slice(0, -4)));
    },
  });
  http.app.route({
    ...mediaRoute,
    url: '/recordings-hls/:streamId/:segmentId/flac/:part',
    handler: async (incoming, reply) => {
      const request = incoming as StreamRequest;
      await admit(request, reply, access);
      const { streamId, segmentId, part } = request.params;
      const range = partRange(part);
      if (part !== 'init.mp4' && range === undefined) throw notFound(part);
      const bytes =
        range === undefined
          ? await playback.flacInit(streamId, segmentId)
          : await playback.flacPart(streamId, segmentId, range);
      return sendPart(request, reply, bytes);
    },
  });
}

/** `GET /recordings-mp4/{stream_id}/{any name}.mp4?start=&end=`: a range as one file, with ranges of bytes. */
function registerMp4Route(http: HttpServer, { playback, access }: PlaybackRoutesOptions): void {
  http.app.route({
    ...mediaRoute,
    url: '/recordings-mp4/:streamId/:file',
    handler: async (incoming, reply) => {
      const request = incoming as StreamRequest;
      const query = await admit(request, reply, access);
      const { streamId, file } = request.params;
      if (!file.endsWith('.mp4')) throw notFound(file);
      const range = { streamId, startMs: instantOf(query, 'start'), endMs: instantOf(query, 'end') };
      return sendMp4(request, reply, await playback.mp4(range, askedBy(request)));
    },
  });
}

/** `GET /recordings-speed/{stream_id}/{speed}/index.m3u8?start=&end=` and its parts: pictures only. */
function registerSpeedRoutes(http: HttpServer, { playback, access }: PlaybackRoutesOptions): void {
  http.app.route({
    ...mediaRoute,
    url: '/recordings-speed/:streamId/:speed/index.m3u8',
    handler: async (incoming, reply) => {
      const request = incoming as SpeedRequest;
      const query = await admit(request, reply, access);
      const { streamId, speed } = request.params;
      const range = { startMs: instantOf(query, 'start'), endMs: instantOf(query, 'end') };
      const text = await playback.speed.playlist(
        { streamId, ...range, speed: Number(speed) },
        optionsOf(request, query),
      );
      return sendPlaylist(reply, text);
    },
  });
  http.app.route({
    ...mediaRoute,
    url: '/recordings-speed/:streamId/:speed/:segmentId/:part',
    handler: async (incoming, reply) => {
      const request = incoming as SpeedRequest;
      await admit(request, reply, access);
      const { streamId, segmentId, part } = request.params;
      const speed = Number(request.params.speed);
      if (part === 'init.mp4') return sendPart(request, reply, await playback.speed.init(streamId, segmentId, speed));
      const range = partRange(part);
      if (range === undefined) throw notFound(part);
      return sendPart(request, reply, await playback.speed.part({ streamId, id: segmentId }, range, speed));
    },
  });
}

function partRange(part: string): ByteRange | undefined {
  const range = /^(\d{1,15})-(\d{1,15})\.m4s$/.exec(part);
  return range === null ? undefined : { start: Number(range[1]), end: Number(range[2]) };
}

function sendPart(request: FastifyRequest, reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  reply.header('cache-control', 'private, max-age=86400, immutable').type('video/mp4');
  reply.header('content-length', bytes.length);
  if (request.method === 'HEAD') return reply.send();
  return reply.send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

function optionsOf({ headers }: Pick<FastifyRequest, 'headers'>, query: URLSearchParams): PlaylistOptions {
  const token = query.get('token');
  const tokenQuery = token === null ? '' : `?token=${encodeURIComponent(token)}`;
  return { tokenQuery, initInSegments: wantsInitInSegments(headers['user-agent']) };
}

async function admit(
  request: StreamRequest | SpeedRequest,
  reply: FastifyReply,
  access: AccessControl,
): Promise<URLSearchParams> {
  reply.header('access-control-allow-origin', '*');
  const query = new URLSearchParams(request.url.split('?')[1] ?? '');
  const { headers, ip: remoteAddress } = request;
  const { streamId } = request.params;
  const grant = await access.authorize({ action: 'playback', streamId, headers, query, remoteAddress });
  // A recording of a day may be under way for hours; its length is announced, so that a cut is seen as one.
  reply.raw.once(
    'close',
    grant.onEnd(() => reply.raw.destroy()),
  );
  return query;
}

/** Some players get another playlist than the others (`optionsOf`): RFC 9110 §12.5.5. */
function sendPlaylist(reply: FastifyReply, text: string): FastifyReply {
  return reply.header('cache-control', 'no-cache').header('vary', 'User-Agent').type(playlistType).send(text);
}

/** RFC 3339, or ms since 1970 UTC. */
function instantOf(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '';
  const ms = parseInstant(text);
  if (ms !== undefined) return ms;
  throw new WatchpostError(
    `${name}: "${text}" is not a time — use RFC 3339 ("2026-02-11T10:00:00Z") or milliseconds since 1970`,
    { kind: 'invalid_argument', code: 'PLAYBACK_RANGE' },
  );
}

function notFound(file: string): WatchpostError {
  return new WatchpostError(`There is no "${file}" here — playback begins with index.m3u8?start=…&end=…`, {
    kind: 'not_found',
    code: 'PLAYBACK_NOT_FOUND',
  });
}
