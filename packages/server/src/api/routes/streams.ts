import { z } from 'zod';
import { coversStream } from '../../catalog/identity/rights.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { streamId } from '../schemas/common-fields.ts';
import {
  ingestSchema,
  newStreamSchema,
  streamListSchema,
  streamPatchSchema,
  streamSchema,
  streamStatsSchema,
} from '../schemas/streams.ts';
import { ingestToStream, newToStream, patchedStream } from '../stream-input.ts';
import type { StreamKeeper } from '../stream-keeper.ts';
import { toStatsView, toStreamView } from '../stream-view.ts';
import { type ApiApp, noContent, problems } from './route.ts';

const tags = ['streams'];

/** Path parameters of one stream. */
export const streamParams = z.object({ id: streamId });

/** `/streams`: making, listing, changing, removing. */
export function streamRoutes(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  createRoutes(app, deps, keeper);
  readRoutes(app, deps, keeper);
  changeRoutes(app, deps, keeper);
}

function createRoutes(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  app.route({
    method: 'POST',
    url: '/streams',
    config: { needs: needs.administer },
    schema: {
      summary: 'Add a stream by its address',
      operationId: 'createStream',
      tags,
      body: newStreamSchema,
      response: { 201: streamSchema, ...problems(400, 401, 403, 409) },
    },
    handler: async (request, reply) => {
      const stream = await keeper.add(newToStream(request.body, deps));
      reply.code(201);
      return toStreamView(stream, deps);
    },
  });
  app.route({
    method: 'POST',
    url: '/streams/ingest',
    config: { needs: needs.administer },
    schema: {
      summary: 'Add a stream by protocol and source',
      operationId: 'ingestStream',
      tags,
      body: ingestSchema,
      response: { 201: streamSchema, ...problems(400, 401, 403, 409, 422) },
    },
    handler: async (request, reply) => {
      const stream = await keeper.add(ingestToStream(request.body, deps));
      reply.code(201);
      return toStreamView(stream, deps);
    },
  });
}

function readRoutes(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  app.route({
    method: 'GET',
    url: '/streams',
    config: { needs: needs.viewList },
    schema: {
      summary: 'List the streams in order of their ids',
      operationId: 'listStreams',
      tags,
      querystring: z
        .object({
          after: z.string().max(100).optional().describe('`next` of the page before'),
          limit: z.coerce.number().int().min(1).max(1000).default(500),
          state: z.enum(['connecting', 'online', 'offline', 'on_demand', 'stopped']).optional(),
        })
        .strict(),
      response: { 200: streamListSchema, ...problems(400, 401, 403) },
    },
    handler: async (request) => {
      const { after, limit, state } = request.query;
      const found = deps.hub
        .list()
        .filter((stream) => coversStream(request.principal?.streams, stream.id))
        .filter((stream) => (after === undefined || stream.id > after) && (!state || stream.state === state));
      const page = found.slice(0, limit);
      return {
        streams: page.map((stream) => toStreamView(stream, deps)),
        next: found.length > limit ? (page.at(-1)?.id ?? null) : null,
      };
    },
  });
  app.route({
    method: 'GET',
    url: '/streams/:id',
    config: { needs: needs.viewStream },
    schema: {
      summary: 'Show a stream',
      operationId: 'getStream',
      tags,
      params: streamParams,
      response: { 200: streamSchema, ...problems(400, 401, 403, 404) },
    },
    handler: async (request) => toStreamView(keeper.get(request.params.id), deps),
  });
  app.route({
    method: 'GET',
    url: '/streams/:id/stats',
    config: { needs: needs.viewStream },
    schema: {
      summary: 'Show the counters of a stream',
      operationId: 'getStreamStats',
      tags,
      params: streamParams,
      response: { 200: streamStatsSchema, ...problems(400, 401, 403, 404) },
    },
    handler: async (request) => toStatsView(keeper.get(request.params.id)),
  });
}

function changeRoutes(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  app.route({
    method: 'PATCH',
    url: '/streams/:id',
    config: { needs: needs.administerStream },
    schema: {
      summary: 'Change a stream that was made by API',
      operationId: 'updateStream',
      tags,
      params: streamParams,
      body: streamPatchSchema,
      response: { 200: streamSchema, ...problems(400, 401, 403, 404, 409) },
    },
    handler: async (request) => {
      const known = await keeper.changeable(request.params.id);
      const stream = await keeper.replace(
        patchedStream(known, request.body, deps),
        request.body.record !== undefined || request.body.schedule !== undefined,
      );
      return toStreamView(stream, deps);
    },
  });
  app.route({
    method: 'DELETE',
    url: '/streams/:id',
    config: { needs: needs.administerStream, audit: 'delete' },
    schema: {
      summary: 'Remove a stream that was made by API',
      description: 'Its recordings stay, and end by their age, unless `recordings=delete`.',
      operationId: 'deleteStream',
      tags,
      params: streamParams,
      querystring: z.object({ recordings: z.enum(['keep', 'delete']).default('keep') }).strict(),
      response: { 204: noContent, ...problems(400, 401, 403, 404, 409) },
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      await keeper.changeable(id);
      await keeper.remove(id);
      if (request.query.recordings === 'delete') await deps.recorder.removeRecordings(id);
      return reply.code(204).send();
    },
  });
}
