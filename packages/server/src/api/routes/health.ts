import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { healthSchema, readySchema } from '../schemas/health.ts';
import { toInstant } from '../time-text.ts';
import type { ApiApp } from './route.ts';

const tags = ['health'];

/** `/health` and `/ready`, at the root. */
export function healthRoutes(app: ApiApp, deps: ApiDependencies): void {
  const startMs = deps.clock.monotonicMs();
  app.route({
    method: 'GET',
    url: '/health',
    config: { needs: needs.nothing },
    schema: {
      summary: 'Tell that the process is alive',
      operationId: 'getHealth',
      tags,
      security: [],
      response: { 200: healthSchema },
    },
    handler: async (_request, reply) => {
      const streams = deps.hub.list();
      reply.header('cache-control', 'no-store');
      return {
        status: 'ok' as const,
        version: deps.version,
        time: toInstant(deps.clock.wallMs()),
        uptime_seconds: Math.floor((deps.clock.monotonicMs() - startMs) / 1000),
        streams: {
          total: streams.length,
          online: streams.filter(({ state }) => state === 'online').length,
          awaiting_publisher: streams.filter(({ awaitsPublisher }) => awaitsPublisher).length,
        },
      };
    },
  });
  app.route({
    method: 'GET',
    url: '/ready',
    config: { needs: needs.nothing },
    schema: {
      summary: 'Tell whether the server can do its work',
      operationId: 'getReady',
      tags,
      security: [],
      response: { 200: readySchema, 503: readySchema },
    },
    handler: async (_request, reply) => {
      const checks = await Promise.all(
        deps.readiness.map(async ({ name, check }) => {
          const { ok, message } = await check().catch((error: unknown) => ({ ok: false, message: String(error) }));
          return { name, ok, message: message ?? null };
        }),
      );
      const ready = checks.every(({ ok }) => ok);
      reply.code(ready ? 200 : 503).header('cache-control', 'no-store');
      return { ready, checks };
    },
  });
}
