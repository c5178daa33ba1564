import { WatchpostError } from '@watchpost/base/errors.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { configReloadSchema } from '../schemas/config.ts';
import { type ApiApp, problems } from './route.ts';

/** `/config`: the configuration file. */
export function configRoutes(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'POST',
    url: '/config/reload',
    config: { needs: needs.administer },
    schema: {
      summary: 'Read the configuration file again, without dropping readers',
      description:
        'Cameras that are the same in the file go on untouched; of the others only those whose source differs are ' +
        'connected anew. A file that is wrong changes nothing: 400 with a message for each mistake.',
      operationId: 'reloadConfig',
      tags: ['server'],
      response: { 200: configReloadSchema, ...problems(400, 401, 403, 422) },
    },
    handler: async () => {
      if (!deps.reloadConfig)
        throw new WatchpostError('this server was started without a configuration file — start it with -c FILE', {
          kind: 'unsupported',
          code: 'CONFIG_NO_FILE',
        });
      const { applied, restart, warnings } = await deps.reloadConfig();
      return { applied: [...applied], restart: [...restart], warnings: [...warnings] };
    },
  });
}
