import { z } from 'zod';
import { needs } from '../auth/route-needs.ts';
import type { ApiApp } from './route.ts';

/** `/openapi.json`: what all routes are. */
export function descriptionRoute(app: ApiApp, read: () => Readonly<Record<string, unknown>>): void {
  let text: string | undefined;
  // Once: it is long, and whoever asks need not be anybody.
  const write = () => (text ??= JSON.stringify(read()));
  app.route({
    method: 'GET',
    url: '/openapi.json',
    config: { needs: needs.nothing },
    schema: {
      summary: 'Read this description',
      operationId: 'getDescription',
      tags: ['server'],
      security: [],
      response: { 200: z.record(z.string(), z.any()).describe('OpenAPI 3.1') },
    },
    handler: async (_request, reply) => reply.serializer(write).send(read()),
  });
}
