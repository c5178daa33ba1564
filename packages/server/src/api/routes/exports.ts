import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { coversStream } from '../../catalog/identity/rights.ts';
import type { Rights } from '../../catalog/identity/types.ts';
import type { ExportJob } from '../../playback/export-job.ts';
import { sendFile } from '../../playback/send-file.ts';
import { cutDownload } from '../auth/cut-download.ts';
import type { GrantWatch } from '../auth/grant-watch.ts';
import { needRole, needStream, writeDownNow } from '../auth/guard.ts';
import { needs, type RouteNeeds } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { streamId } from '../schemas/common-fields.ts';
import { exportListSchema, exportSchema, newExportSchema } from '../schemas/exports.ts';
import { toInstant, toInstantOrNull } from '../time-text.ts';
import { type ApiApp, file, noContent, problems, rangesOf } from './route.ts';

const tags = ['recordings'];
/** The stream of an export is not in its path. */
const operateListed = { role: 'operator', streams: 'listed' } as const satisfies RouteNeeds;
const streamParams = z.object({ id: streamId });
const jobParams = z.object({ job: z.string().regex(/^[0-9a-f]{24}$/, 'the `id` of an export') });

/** `/exports`: recordings as one MP4 file to keep. */
export function exportRoutes(app: ApiApp, deps: ApiDependencies, watch: GrantWatch): void {
  createRoute(app, deps);
  readRoutes(app, deps);
  fileRoute(app, deps, watch);
}

function createRoute(app: ApiApp, { media, audit }: ApiDependencies): void {
  app.route({
    method: 'POST',
    url: '/recordings/:id/export',
    config: { needs: needs.operateStream, audit: 'none' },
    schema: {
      summary: 'Write a stretch of recordings as one MP4 file',
      description:
        'At most 24 hours. Nothing is encoded anew: it begins at the very picture by an edit list, gaps are closed and ' +
        'listed, and G.711 sound becomes FLAC.',
      operationId: 'createExport',
      tags,
      params: streamParams,
      body: newExportSchema,
      response: { 202: exportSchema, ...problems(400, 401, 403, 429) },
    },
    handler: async (request, reply) => {
      const { start: startMs, end: endMs } = request.body;
      const job = media.exports.create({ streamId: request.params.id, startMs, endMs });
      const detail = `createExport ${toInstant(startMs)}/${toInstant(endMs)}`;
      writeDownNow(audit, request, { action: 'export', streamId: job.range.streamId, detail });
      reply.code(202).header('location', `/api/v1/exports/${job.id}`);
      return toExportView(job);
    },
  });
}

function readRoutes(app: ApiApp, { media, audit }: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/exports',
    config: { needs: operateListed },
    schema: {
      summary: 'List the exports, oldest first',
      operationId: 'listExports',
      tags,
      response: { 200: exportListSchema, ...problems(401, 403) },
    },
    handler: async ({ principal }) => {
      const seen = media.exports.list().filter(({ range }) => coversStream(principal?.streams, range.streamId));
      return { exports: seen.map(toExportView) };
    },
  });
  app.route({
    method: 'GET',
    url: '/exports/:job',
    config: { needs: operateListed },
    schema: {
      summary: 'Show an export',
      operationId: 'getExport',
      tags,
      params: jobParams,
      response: { 200: exportSchema, ...problems(400, 401, 403, 404) },
    },
    handler: async (request) => toExportView(jobOf(request, media.exports.get(request.params.job))),
  });
  app.route({
    method: 'DELETE',
    url: '/exports/:job',
    config: { needs: operateListed, audit: 'none' },
    schema: {
      summary: 'End an export and delete its file',
      operationId: 'deleteExport',
      tags,
      params: jobParams,
      response: { 204: noContent, ...problems(400, 401, 403, 404) },
    },
    handler: async (request, reply) => {
      const { id, range } = jobOf(request, media.exports.get(request.params.job));
      await media.exports.remove(id);
      writeDownNow(audit, request, { action: 'delete', streamId: range.streamId, detail: `deleteExport ${id}` });
      return reply.code(204).send();
    },
  });
}

function fileRoute(app: ApiApp, { media, audit }: ApiDependencies, watch: GrantWatch): void {
  app.route({
    method: 'GET',
    url: '/exports/:job/file',
    exposeHeadRoute: true,
    config: { needs: operateListed },
    schema: {
      summary: 'Fetch the file of an export, or a range of it',
      operationId: 'getExportFile',
      tags,
      params: jobParams,
      produces: ['video/mp4'],
      response: {
        ...file('video/mp4', 'The file'),
        ...rangesOf('video/mp4'),
        ...problems(400, 401, 403, 404, 409),
      },
    },
    handler: async (request, reply) => {
      const job = jobOf(request, media.exports.get(request.params.job));
      const { streamId } = job.range;
      const exported = media.exports.file(job.id);
      writeDownNow(audit, request, { action: 'export', streamId, detail: `getExportFile ${job.id}` });
      const name = `${streamId}-${toInstant(job.startMs ?? 0).replace(/[-:]|\.\d+/g, '')}.mp4`;
      const check = (rights: Rights) => {
        needRole(rights, operateListed.role);
        needStream(rights, streamId);
      };
      cutDownload(watch, request, { raw: reply.raw, check });
      reply.header('content-disposition', `attachment; filename="${name}"`);
      return sendFile(request as FastifyRequest, reply, exported) as never;
    },
  });
}

function jobOf(request: Pick<FastifyRequest, 'principal'>, job: ExportJob): ExportJob {
  if (request.principal) needStream(request.principal, job.range.streamId);
  return job;
}

function toExportView(job: ExportJob): z.output<typeof exportSchema> {
  const { error, range } = job;
  return {
    id: job.id,
    stream_id: range.streamId,
    state: job.state,
    progress: Math.round(job.progress * 1000) / 1000,
    requested: { start: toInstant(range.startMs), end: toInstant(range.endMs) },
    start: toInstantOrNull(job.startMs),
    end: toInstantOrNull(job.endMs),
    bytes: job.bytes,
    gaps: job.gaps.map((gap) => ({ start: toInstant(gap.startMs), end: toInstant(gap.endMs) })),
    error: error ? { code: error.code, message: error.message } : null,
    file: job.state === 'done' ? `/api/v1/exports/${job.id}/file` : null,
    created: toInstant(job.createdMs),
    expires: toInstantOrNull(job.expiresMs),
  };
}
