import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { newEventSchema, takenEventSchema } from '../schemas/recording-rules.ts';
import type { StreamKeeper } from '../stream-keeper.ts';
import { toRecordingView } from '../stream-view.ts';
import { type ApiApp, problems } from './route.ts';
import { streamParams } from './streams.ts';

/** `/streams/{id}/events`: something happens in front of a camera, as another program tells. */
export function streamEventRoutes(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  app.route({
    method: 'POST',
    url: '/streams/:id/events',
    config: { needs: needs.operateStream, audit: 'record' },
    schema: {
      summary: 'Tell that something happens in front of a camera',
      description:
        'The event `alarm.TYPE` goes to all who listen to events. A stream that is recorded on events is recorded from its ' +
        'pre-roll to its post-roll; events that overlap extend each other.',
      operationId: 'postStreamEvent',
      tags: ['streams'],
      params: streamParams,
      body: newEventSchema,
      response: { 202: takenEventSchema, ...problems(400, 401, 403, 404) },
    },
    handler: async (request, reply) => {
      const stream = keeper.get(request.params.id);
      const { type, state, duration, message } = request.body;
      deps.events.emit({
        type: `alarm.${type}`,
        level: 'info',
        streamId: stream.id,
        reason: type,
        message: message ?? `${type.replaceAll('_', ' ')} at "${stream.id}": ${state}`,
        data: { state, ...(duration !== undefined && { duration_seconds: duration }) },
      });
      reply.code(202);
      return { recorded: deps.recorder.isEventWanted(stream.id), recording: toRecordingView(stream, deps) };
    },
  });
}
