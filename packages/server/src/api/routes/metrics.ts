import { z } from 'zod';
import { needs } from '../auth/route-needs.ts';
import { expositionType } from '../metrics/exposition.ts';
import type { ServerMetrics } from '../metrics/server-metrics.ts';
import { type ApiApp, problems } from './route.ts';

/** `/metrics`, at the root. */
export function metricsRoutes(app: ApiApp, metrics: ServerMetrics): void {
  app.route({
    method: 'GET',
    url: '/metrics',
    config: { needs: needs.viewServer },
    schema: {
      summary: 'Show counters for Prometheus',
      description: 'Text format 0.0.4. The token of a viewer that is not limited to streams is enough.',
      operationId: 'getMetrics',
      tags: ['health'],
      produces: ['text/plain'],
      response: { 200: z.string().describe('Text format 0.0.4'), ...problems(401, 403) },
    },
    handler: async (_request, reply) => {
      reply.header('cache-control', 'no-store').type(expositionType);
      reply.serializer((text: unknown) => text as string);
      return metrics.text();
    },
  });
}
