import type { AuditAction } from '../../catalog/audit/types.ts';
import type { StreamOverride } from '../../catalog/definitions/stream-definitions.ts';
import { needs, type RouteNeeds } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { streamSchema } from '../schemas/streams.ts';
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

/** What can be done with every stream, those of the configuration file included: stop, start, record. */
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
}
