import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { FieldError } from '../../net/problem.ts';
import { maxPlaylistMs } from '../../playback/check-range.ts';
import { maxServedMs } from '../../playback/playback.ts';
import { askedBy, sendMp4 } from '../../playback/send-file.ts';
import { speedLimits } from '../../playback/speed-playback.ts';
import { cutDownload } from '../auth/cut-download.ts';
import type { GrantWatch } from '../auth/grant-watch.ts';
import { needStream, writeDownNow } from '../auth/guard.ts';
import { needs } from '../auth/route-needs.ts';
import { dayOf, daysBetween } from '../calendar.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { mediaAddress } from '../media-address.ts';
import { toGapView, toSegmentView, toSpans } from '../recording-view.ts';
import { instantIn, streamId } from '../schemas/common-fields.ts';
import { playbackSchema, recordedDaysSchema, recordingsSchema, timelineSchema } from '../schemas/recordings.ts';
import { toInstant } from '../time-text.ts';
import { type ApiApp, jsonOr, problems, rangesOf } from './route.ts';

const tags = ['recordings'];
const dayMs = 24 * 3_600_000;
const maxRangeMs = 400 * dayMs;
const maxDays = 93;

const streamParams = z.object({ id: streamId });
const segmentId = z.string().regex(/^~[\w.-]{1,120}$/, 'the `id` of a segment, with "~" in front');

const playbackDescription =
  'Without `format` the answer names an HLS address. `speed` other than 1: pictures only, their time stamps scaled, so that a ' +
  'plain player shows it at that pace; above 4 key pictures only. `format=mp4`: the answer is the file itself, with ranges; it ' +
  'begins at the very picture, and `X-Recording-Gaps` lists the holes that were closed; G.711 stays as it is, an export makes ' +
  'FLAC of it, which browsers play. One address covers two hours at most, from the first picture on; the stretch goes on at ' +
  '`next`.';
const playbackQuery = z
  .object({
    start: instantIn.optional(),
    end: instantIn.optional(),
    speed: z.coerce.number().min(speedLimits.least).max(speedLimits.most).default(1),
    format: z.enum(['hls', 'mp4']).default('hls'),
  })
  .strict()
  .refine(({ speed, format }) => speed === 1 || format === 'hls', {
    path: ['speed'],
    error: 'MP4 is served at speed 1 only',
  });

/** `/recordings/{id}`: what was recorded, for programs, timelines and calendars; where to play it. */
export function recordingRoutes(app: ApiApp, deps: ApiDependencies, watch: GrantWatch): void {
  listRoute(app, deps);
  timelineRoute(app, deps);
  daysRoute(app, deps);
  playbackRoute(app, deps, watch);
}

function listRoute(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/recordings/:id',
    config: { needs: needs.viewStream },
    schema: {
      summary: 'List the segments and gaps of a stream',
      description:
        'Without `start` and `end`: the last 24 hours. Where `truncated`, go on with the end of the last segment.',
      operationId: 'listRecordings',
      tags,
      params: streamParams,
      querystring: z
        .object({
          start: instantIn.optional(),
          end: instantIn.optional(),
          limit: z.coerce.number().int().min(1).max(10_000).default(2000),
        })
        .strict(),
      response: { 200: recordingsSchema, ...problems(400, 401, 403, 404) },
    },
    handler: async (request) => {
      const { id } = request.params;
      const { startMs, endMs } = rangeOf(request.query, deps);
      await mustExist(id, deps);
      const segments = await deps.recordings.segments(id, startMs, endMs);
      const gaps = await deps.recordings.gaps(id, startMs, endMs);
      const { limit } = request.query;
      return {
        stream_id: id,
        start: toInstant(startMs),
        end: toInstant(endMs),
        segments: segments.slice(0, limit).map(toSegmentView),
        gaps: gaps.map(toGapView),
        truncated: segments.length > limit,
      };
    },
  });
}

function timelineRoute(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/recordings/:id/timeline',
    config: { needs: needs.viewStream },
    schema: {
      summary: 'Show recorded stretches and gaps, for drawing',
      operationId: 'getTimeline',
      tags,
      params: streamParams,
      querystring: z.object({ start: instantIn.optional(), end: instantIn.optional() }).strict(),
      response: { 200: timelineSchema, ...problems(400, 401, 403, 404) },
    },
    handler: async (request) => {
      const { id } = request.params;
      const range = rangeOf(request.query, deps);
      await mustExist(id, deps);
      const segments = await deps.recordings.segments(id, range.startMs, range.endMs);
      const gaps = await deps.recordings.gaps(id, range.startMs, range.endMs);
      const spans = toSpans(segments, range);
      return {
        stream_id: id,
        spans: spans.map((span) => ({ start: toInstant(span.startMs), end: toInstant(span.endMs) })),
        gaps: gaps.map(toGapView),
      };
    },
  });
}

function daysRoute(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/recordings/:id/days',
    config: { needs: needs.viewStream },
    schema: {
      summary: 'List the days of which there is anything, for calendars',
      operationId: 'listRecordedDays',
      tags,
      params: streamParams,
      querystring: z
        .object({
          from: z.string().optional().describe('First day, `YYYY-MM-DD`; default 31 days ago'),
          to: z.string().optional().describe('Last day; default today'),
          tz: z.string().max(64).default('UTC').describe('IANA time zone of the days, such as `Europe/Moscow`'),
        })
        .strict(),
      response: { 200: recordedDaysSchema, ...problems(400, 401, 403, 404) },
    },
    handler: async (request) => {
      const { id } = request.params;
      const { tz } = request.query;
      const nowMs = deps.clock.wallMs();
      const to = request.query.to ?? dayOf(nowMs, tz);
      const from = request.query.from ?? dayOf(nowMs - 31 * dayMs, tz);
      const days = daysBetween(from, to, { timeZone: tz, maxDays });
      await mustExist(id, deps);
      const counted: { day: string; recorded_seconds: number }[] = [];
      for (const { day, startMs, endMs } of days) {
        // Asked for each day: `days` counts in stretches of 24 hours, and days have 23 to 25.
        const parts = await deps.recordings.days(id, startMs, endMs);
        const recordedMs = parts.reduce((sum, part) => sum + part.recordedMs, 0);
        counted.push({ day, recorded_seconds: Math.round(recordedMs / 1000) });
      }
      return { stream_id: id, days: counted.filter((entry) => entry.recorded_seconds > 0) };
    },
  });
}

function playbackRoute(app: ApiApp, deps: ApiDependencies, watch: GrantWatch): void {
  app.route({
    method: 'GET',
    url: '/recordings/:id/playback',
    config: { needs: needs.viewStream },
    schema: {
      summary: 'Get the address that plays a stretch of recordings, or one segment',
      operationId: 'playRecording',
      tags,
      params: z.object({ id: z.union([streamId, segmentId]).describe('A stream, or a segment (`~…`)') }),
      description: playbackDescription,
      querystring: playbackQuery,
      response: {
        ...jsonOr(playbackSchema, 'video/mp4', 'The address; with `format=mp4` the file'),
        ...rangesOf('video/mp4'),
        ...problems(400, 401, 403, 404, 422),
      },
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const stretch = id.startsWith('~')
        ? await segmentStretch(id, deps)
        : { streamId: id, ...rangeOf(request.query, deps) };
      const { streamId: recorded } = stretch;
      const { first, last } = await recordedEnds(stretch, deps);
      const recordedFromMs = Math.max(stretch.startMs, first.startMs);
      const { speed, format } = request.query;
      if (format === 'mp4') {
        // While the recording grows its end is another one at each request, and the file stays the same.
        const endMs = Math.min(stretch.endMs, Math.max(last.endMs, recordedFromMs + maxServedMs));
        const range = { streamId: recorded, startMs: recordedFromMs, endMs };
        const file = await deps.media.mp4(range, askedBy(request));
        writeDownNow(deps.audit, request, { action: 'playback', streamId: recorded, detail: 'playRecording' });
        cutDownload(watch, request, { raw: reply.raw, check: (rights) => needStream(rights, recorded) });
        return sendMp4(request as FastifyRequest, reply, file) as never;
      }
      const startMs = stretch.endMs - stretch.startMs > maxPlaylistMs ? recordedFromMs : stretch.startMs;
      const endMs = Math.min(stretch.endMs, startMs + maxPlaylistMs);
      const query = `start=${encodeURIComponent(toInstant(startMs))}&end=${encodeURIComponent(toInstant(endMs))}`;
      const base = speed === 1 ? 'recordings-hls' : 'recordings-speed';
      const folder = speed === 1 ? recorded : `${recorded}/${speed}`;
      const sign = (path: string) => mediaAddress(deps, request, { path, streamId: recorded, action: 'playback' });
      return {
        ...sign(`/${base}/${folder}/index.m3u8?${query}`),
        type: 'hls' as const,
        speed,
        mp4: sign(`/recordings-mp4/${recorded}/video.mp4?${query}`).path,
        start: toInstant(recordedFromMs),
        end: toInstant(endMs),
        next: last.endMs > endMs && stretch.endMs > endMs ? toInstant(endMs) : null,
        codecs: first.codecs || null,
      };
    },
  });
}

/** The first and the last file of a stretch. Rejects with `not_found` where nothing was recorded. */
async function recordedEnds(
  { streamId, startMs, endMs }: { readonly streamId: string; readonly startMs: number; readonly endMs: number },
  deps: ApiDependencies,
) {
  const segments = await deps.recordings.segments(streamId, startMs, endMs);
  const [first] = segments;
  const last = segments.at(-1);
  if (first && last) return { first, last };
  throw new WatchpostError(
    `nothing was recorded of "${streamId}" between ${toInstant(startMs)} and ${toInstant(endMs)}`,
    { kind: 'not_found', code: 'NOTHING_RECORDED' },
  );
}

async function segmentStretch(id: string, deps: ApiDependencies) {
  const segment = await deps.recordings.segment(id);
  if (segment) return { streamId: segment.streamId, startMs: segment.startMs, endMs: segment.endMs };
  throw new WatchpostError(`there is no segment "${id}" — it may have expired`, {
    kind: 'not_found',
    code: 'SEGMENT_NOT_FOUND',
  });
}

function rangeOf(
  query: { readonly start?: number | undefined; readonly end?: number | undefined },
  deps: ApiDependencies,
): { startMs: number; endMs: number } {
  const endMs =
    query.end ?? (query.start === undefined ? deps.clock.wallMs() : Math.max(deps.clock.wallMs(), query.start + 1));
  const startMs = query.start ?? endMs - dayMs;
  if (startMs >= endMs) throw new FieldError([{ field: 'end', message: 'must be later than "start"' }]);
  if (endMs - startMs > maxRangeMs) throw new FieldError([{ field: 'start', message: 'at most 400 days at once' }]);
  return { startMs, endMs };
}

/** A stream that is defined, or of which recordings are left. */
async function mustExist(id: string, deps: ApiDependencies): Promise<void> {
  if (deps.hub.get(id)) return;
  const recorded = await deps.recordings.recordedStreams();
  if (recorded.some((entry) => entry.streamId === id)) return;
  throw new WatchpostError(`there is no stream "${id}", and no recording of one`, {
    kind: 'not_found',
    code: 'STREAM_NOT_FOUND',
  });
}
