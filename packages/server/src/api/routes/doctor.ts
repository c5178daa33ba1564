import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { diagnose } from '../doctor/diagnose.ts';
import { diagnosisSchema } from '../schemas/doctor.ts';
import type { StreamKeeper } from '../stream-keeper.ts';
import { type ApiApp, problems } from './route.ts';
import { streamParams } from './streams.ts';

/** `/streams/{id}/doctor`: what is wrong with a camera, and the cure. */
export function doctorRoutes(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  app.route({
    method: 'GET',
    url: '/streams/:id/doctor',
    config: { needs: needs.viewStream },
    schema: {
      summary: 'Tell what is wrong with a stream, by its last minutes, and what to do',
      operationId: 'diagnoseStream',
      tags: ['streams'],
      params: streamParams,
      response: { 200: diagnosisSchema, ...problems(400, 401, 403, 404) },
    },
    handler: async (request) => diagnose(keeper.get(request.params.id), deps),
  });
}
