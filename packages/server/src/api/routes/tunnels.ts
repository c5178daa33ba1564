import { z } from 'zod';
import { unknownAgent } from '../../catalog/agents/agent-store.ts';
import { toPlainTunnel, toTunnel } from '../agent-view.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { plainTunnelSchema, tunnelSchema } from '../schemas/agents.ts';
import { type ApiApp, noContent, problems } from './route.ts';

const tags = ['agents'];
const params = z.object({ id: z.string().max(64) });

/** `/tunnels` below the API's base, with all there is to know. */
export function tunnelRoutes(app: ApiApp, deps: ApiDependencies): void {
  const { agents, clock } = deps;
  app.route({
    method: 'GET',
    url: '/tunnels',
    config: { needs: needs.viewServer },
    schema: {
      summary: 'List the tunnels of agents',
      operationId: 'listTunnels',
      tags,
      response: { 200: z.object({ tunnels: z.array(tunnelSchema) }), ...problems(401, 403) },
    },
    handler: async () => {
      const records = await agents.store.list();
      return { tunnels: records.map((record) => toTunnel(agents, record, clock.wallMs())) };
    },
  });
  app.route({
    method: 'GET',
    url: '/tunnels/:id',
    config: { needs: needs.viewServer },
    schema: {
      summary: 'Show the tunnel of an agent',
      operationId: 'getTunnel',
      tags,
      params,
      response: { 200: z.object({ tunnel: tunnelSchema }), ...problems(401, 403, 404) },
    },
    handler: async ({ params: { id } }) => {
      const record = await agents.store.find(id);
      if (!record) throw unknownAgent(id);
      return { tunnel: toTunnel(agents, record, clock.wallMs()) };
    },
  });
  restartRoute(app, deps, 'restartTunnel');
}

/** `/tunnels` at the root: exactly what was promised. */
export function plainTunnelRoutes(app: ApiApp, deps: ApiDependencies): void {
  const { agents, clock } = deps;
  app.route({
    method: 'GET',
    url: '/tunnels',
    config: { needs: needs.viewServer },
    schema: {
      summary: 'List the tunnels of agents, in short',
      operationId: 'listPlainTunnels',
      tags,
      response: { 200: z.object({ tunnels: z.array(plainTunnelSchema) }), ...problems(401, 403) },
    },
    handler: async () => ({
      tunnels: (await agents.store.list()).map(({ id }) => toPlainTunnel(agents, id, clock.wallMs())),
    }),
  });
  app.route({
    method: 'GET',
    url: '/tunnels/:id',
    config: { needs: needs.viewServer },
    schema: {
      summary: 'Show the tunnel of an agent, in short',
      operationId: 'getPlainTunnel',
      tags,
      params,
      response: { 200: z.object({ tunnel: plainTunnelSchema.omit({ id: true }) }), ...problems(401, 403, 404) },
    },
    handler: async ({ params: { id } }) => {
      if (!(await agents.store.find(id))) throw unknownAgent(id);
      const { id: _id, ...tunnel } = toPlainTunnel(agents, id, clock.wallMs());
      return { tunnel };
    },
  });
  restartRoute(app, deps, 'restartPlainTunnel');
}

function restartRoute(app: ApiApp, { agents }: ApiDependencies, operationId: string): void {
  app.route({
    method: 'POST',
    url: '/tunnels/:id/restart',
    config: { needs: needs.administer },
    schema: {
      summary: 'Have an agent connect anew; connections through its tunnel end',
      operationId,
      tags,
      params,
      response: { 204: noContent, ...problems(401, 403, 404, 503) },
    },
    handler: async ({ params: { id } }, reply) => {
      await agents.restart(id);
      return reply.code(204).send();
    },
  });
}
