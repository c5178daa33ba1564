import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AuditAction } from '../../catalog/audit/types.ts';
import type { StreamOverride } from '../../catalog/definitions/stream-definitions.ts';
import { FieldError } from '../../net/problem.ts';
import { needs, type RouteNeeds } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { mediaAddress } from '../media-address.ts';
import { playSchema, streamSchema } from '../schemas/streams.ts';
import type { StreamKeeper } from '../stream-keeper.ts';
import { toStreamView } from '../stream-view.ts';
import { type ApiApp, problems } from './route.ts';
import { streamParams } from './streams.ts';

const tags = ['streams'];

interface Switch {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly change: StreamOverride;
  readonly config: { readonly needs: RouteNeeds; readonly audit: AuditAction };
}

const switching = { needs: needs.administerStream, audit: 'configure' } as const;
const recording = { needs: needs.operateStream, audit: 'record' } as const;

const switches: readonly Switch[] = [
  {
    path: 'stop',
    operationId: 'stopStream',
    summary: 'Stop a stream; its definition stays',
    change: { stopped: true },
    config: switching,
  },
  {
    path: 'start',
    operationId: 'startStream',
    summary: 'Start a stopped stream',
    change: { stopped: false },
    config: switching,
  },
  {
    path: 'recording/start',
    operationId: 'startRecording',
    summary: 'Record a stream without a pause, whatever its rules say',
    change: { manual: true },
    config: recording,
  },
  {
    path: 'recording/stop',
    operationId: 'stopRecording',
    summary: 'Record a stream no more, whatever its rules say',
    change: { manual: false },
    config: recording,
  },
  {
    path: 'recording/auto',
    operationId: 'autoRecording',
    summary: 'Record a stream as its rules say, after it was started or stopped by hand',
    change: { manual: null },
    config: recording,
  },
];

/** What can be done with every stream, those of the configuration file included: stop, start, record, play. */
export function streamActionRoutes(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  for (const { path, operationId, summary, change, config } of switches)
    app.route({
      method: 'POST',
      url: `/streams/:id/${path}`,
      config,
      schema: {
        summary,
        operationId,
        tags,
        params: streamParams,
        response: { 200: streamSchema, ...problems(400, 401, 403, 404) },
      },
      handler: async (request) => toStreamView(await keeper.override(request.params.id, change), deps),
    });
  playRoute(app, deps, keeper);
}

/** The host that the client named, without its port; brackets around IPv6 stay. */
function hostnameOf(request: FastifyRequest): string {
  return request.host.replace(/:\d+$/, '');
}

function playRoute(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  app.route({
    method: 'GET',
    url: '/streams/:id/play',
    config: { needs: needs.viewStream },
    schema: {
      summary: 'Get the address to watch a stream at, signed where logins are required',
      operationId: 'playStream',
      tags,
      params: streamParams,
      querystring: z
        .object({
          protocol: z.string().max(20).optional().describe('`hls`, `fmp4`, `rtsp`; the best one where it is missing'),
        })
        .strict(),
      response: { 200: playSchema, ...problems(400, 401, 403, 404, 422) },
    },
    handler: async (request) => {
      const { id } = keeper.get(request.params.id);
      const wanted = request.query.protocol ?? deps.outputs[0]?.protocol;
      const output = deps.outputs.find(({ protocol }) => protocol === wanted);
      const names = deps.outputs.map(({ protocol }) => protocol).join(', ');
      if (wanted === undefined)
        throw new WatchpostError('no protocol to watch with is switched on', {
          kind: 'unsupported',
          code: 'NO_OUTPUT',
        });
      if (!output)
        throw new FieldError(
          [{ field: 'protocol', message: `"${wanted}" is not one of: ${names}` }],
          'PROTOCOL_UNKNOWN',
        );
      const origin = output.origin?.(hostnameOf(request));
      if (output.origin && origin === undefined)
        throw new WatchpostError(`"${wanted}" does not listen — the log says why`, {
          kind: 'unavailable',
          code: 'OUTPUT_NOT_LISTENING',
        });
      const target = { path: output.path(id), streamId: id, action: 'live' as const };
      const address = mediaAddress(deps, request, origin === undefined ? target : { ...target, origin });
      return { protocol: output.protocol, ...address };
    },
  });
}
