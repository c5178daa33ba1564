import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { FieldError } from '../../net/problem.ts';
import type { Snapshot } from '../../snapshot/live-snapshots.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { instantIn, streamId } from '../schemas/common-fields.ts';
import { keyFramesSchema } from '../schemas/exports.ts';
import type { StreamKeeper } from '../stream-keeper.ts';
import { toInstant } from '../time-text.ts';
import { type ApiApp, file, problems } from './route.ts';

const params = z.object({ id: streamId });
const pixels = z.coerce.number().int().min(16).max(4096).optional();
const box = { width: pixels, height: pixels };
const maxKeyFrameRangeMs = 31 * 24 * 3_600_000;

/** Single pictures: of live streams, and of recordings. */
export function snapshotRoutes(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  liveRoute(app, deps, keeper);
  recordedRoute(app, deps);
  keyFrameRoute(app, deps);
}

function liveRoute(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  app.route({
    method: 'GET',
    url: '/streams/:id/snapshot',
    config: { needs: needs.viewStream, audit: 'snapshot' },
    schema: {
      summary: 'Get a picture of a stream as JPEG',
      description:
        '`keyframe`: the newest key picture. `decode`: the newest picture. `auto`: the newest key picture if it is at most two ' +
        'seconds old, else the newest picture; the last one there was, with its `Age`, while the stream is offline.',
      operationId: 'getSnapshot',
      tags: ['streams'],
      params,
      produces: ['image/jpeg'],
      querystring: z.object({ mode: z.enum(['auto', 'keyframe', 'decode']).default('auto'), ...box }).strict(),
      response: { ...file('image/jpeg', 'The picture'), ...problems(400, 401, 403, 404, 422, 429, 503, 504) },
    },
    handler: async (request, reply) => {
      const stream = keeper.get(request.params.id);
      const snapshot = await deps.media.snapshots.take(stream, request.query);
      const ageSeconds = Math.max(0, Math.round((deps.clock.wallMs() - snapshot.capturedMs) / 1000));
      reply.header('age', ageSeconds).header('cache-control', 'private, no-cache');
      if (snapshot.staleReason !== undefined) reply.header('x-stale-reason', snapshot.staleReason);
      return sendJpeg(reply, snapshot);
    },
  });
}

function recordedRoute(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/recordings/:id/snapshot',
    config: { needs: needs.viewStream, audit: 'snapshot' },
    schema: {
      summary: 'Get the recorded key picture at or before an instant as JPEG',
      operationId: 'getRecordedSnapshot',
      tags: ['recordings'],
      params,
      produces: ['image/jpeg'],
      querystring: z.object({ time: instantIn, ...box }).strict(),
      response: { ...file('image/jpeg', 'The picture'), ...problems(400, 401, 403, 404, 422, 429, 503, 504) },
    },
    handler: async (request, reply) => {
      const { time, width, height } = request.query;
      const snapshot = await deps.media.recordedPictures.jpegAt(request.params.id, time, { width, height });
      // Asked for by its own time it is the same for ever; else a later key picture may still be written.
      const isFinal = deps.clock.wallMs() - time > 60_000 || time === snapshot.capturedMs;
      reply.header('cache-control', isFinal ? 'private, max-age=86400' : 'private, no-cache');
      return sendJpeg(reply, snapshot);
    },
  });
}

function keyFrameRoute(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/recordings/:id/keyframes',
    config: { needs: needs.viewStream },
    schema: {
      summary: 'List the key pictures that were recorded',
      description:
        'They are noted as they are recorded, without decoding; a JPEG is made when its address is asked for.',
      operationId: 'listKeyFrames',
      tags: ['recordings'],
      params,
      querystring: z
        .object({
          start: instantIn,
          end: instantIn,
          interval: z.coerce.number().min(0).max(86_400).default(5).describe('Seconds between two at the least'),
          limit: z.coerce.number().int().min(1).max(10_000).default(1000),
        })
        .strict(),
      response: { 200: keyFramesSchema, ...problems(400, 401, 403) },
    },
    handler: async (request) => {
      const { id } = request.params;
      const { start: startMs, end: endMs, interval, limit } = request.query;
      if (endMs <= startMs) throw new FieldError([{ field: 'end', message: 'must be later than "start"' }]);
      if (endMs - startMs > maxKeyFrameRangeMs)
        throw new FieldError([{ field: 'start', message: 'at most 31 days at once' }]);
      const asked = { startMs, endMs, intervalMs: interval * 1000, limit };
      const { frames, truncated } = await deps.media.recordedPictures.keyFrames(id, asked);
      return {
        stream_id: id,
        keyframes: frames.map(({ timeMs, segment, fragment }) => ({
          time: toInstant(timeMs),
          segment: segment.id,
          offset: fragment.offset,
          bytes: fragment.bytes,
          snapshot: `/api/v1/recordings/${id}/snapshot?time=${Math.round(timeMs)}`,
        })),
        truncated,
      };
    },
  });
}

function sendJpeg(reply: FastifyReply, { jpeg, capturedMs }: Snapshot): never {
  reply.header('x-captured-at', toInstant(capturedMs)).header('content-length', jpeg.length).type('image/jpeg');
  return reply.send(Buffer.from(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength)) as never;
}
