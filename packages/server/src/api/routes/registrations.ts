import { z } from 'zod';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { type ApiApp, problems } from './route.ts';

const registrationListSchema = z.object({
  registrations: z.array(
    z.object({
      name: z.string(),
      type: z.enum(['flussonic', 'watcher', 'request']),
      url: z.string(),
      failure: z.string().nullable().describe('why the last attempt failed; null while the system is reached'),
      streams: z.array(
        z.object({
          stream_id: z.string(),
          remote_name: z.string().describe('how it is called there'),
          state: z.enum(['registered', 'pending', 'refused', 'conflict']),
          reason: z.string().nullable(),
        }),
      ),
    }),
  ),
});

/** `/registrations`: other systems that our streams are made known to. */
export function registrationRoutes(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/registrations',
    config: { needs: needs.administer },
    schema: {
      summary: 'List the systems that streams are registered in, and how each stream stands there',
      operationId: 'listRegistrations',
      tags: ['streams'],
      response: { 200: registrationListSchema, ...problems(401, 403) },
    },
    handler: async () => ({
      registrations: deps.registrations().map(({ name, type, url, failure = null, streams }) => ({
        name,
        type,
        url,
        failure,
        streams: streams.map(({ streamId, name: remote_name, state, reason = null }) => ({
          stream_id: streamId,
          remote_name,
          state,
          reason,
        })),
      })),
    }),
  });
}
