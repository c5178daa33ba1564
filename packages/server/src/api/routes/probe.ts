import { vendorPaths } from '@watchpost/media/rtsp/vendor-paths.ts';
import { z } from 'zod';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { probe } from '../probe.ts';
import { discoverySchema, probeResultSchema, probeSchema } from '../schemas/streams.ts';
import { type ApiApp, problems } from './route.ts';

const tags = ['cameras'];

/** `/probe` and `/discovery`: what cameras there are, and what they say of themselves. */
export function probeRoutes(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'POST',
    url: '/probe',
    config: { needs: needs.administer },
    schema: {
      summary: 'Ask a camera what it has, before it becomes a stream',
      description:
        'With `url` that address is asked; with `host` the usual addresses of camera vendors are tried. It ends at the ' +
        'first answer that name or password are wrong, because cameras lock the account after a few.',
      operationId: 'probe',
      tags,
      body: probeSchema,
      response: { 200: probeResultSchema, ...problems(400, 401, 403) },
    },
    handler: async (request) => probe(request.body, deps, closedSignal(request.raw.socket)),
  });
  app.route({
    method: 'GET',
    url: '/discovery',
    config: { needs: needs.administer },
    schema: {
      summary: 'List the cameras that answer on this network, and the usual addresses of vendors',
      operationId: 'discover',
      tags,
      querystring: z
        .object({ scan: z.enum(['true', 'false']).default('true').describe('`false` lists the vendors only, at once') })
        .strict(),
      response: { 200: discoverySchema, ...problems(400, 401, 403) },
    },
    handler: async (request) => {
      const scan = request.query.scan === 'true';
      const found = scan ? await deps.discover(closedSignal(request.raw.socket)) : [];
      return {
        devices: found.map(({ host, name, model, xaddr }) => ({
          host,
          name: name ?? null,
          model: model ?? null,
          xaddr: xaddr ?? null,
        })),
        vendors: vendorPaths.map(({ id, name, main, sub }) => ({ id, name, main: [...main], sub: [...sub] })),
      };
    },
  });
}

/** Aborted when whoever asked has gone. */
function closedSignal(socket: { once(event: 'close', listener: () => void): unknown }): AbortSignal {
  const controller = new AbortController();
  socket.once('close', () => controller.abort());
  return controller.signal;
}
