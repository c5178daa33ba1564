import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { hostnameOf } from '../media-address.ts';
import { publishAddressesSchema } from '../schemas/streams.ts';
import type { StreamKeeper } from '../stream-keeper.ts';
import { type ApiApp, problems } from './route.ts';
import { streamParams } from './streams.ts';

/** Where encoders send a stream that waits for them. */
export function publishRoute(app: ApiApp, deps: ApiDependencies, keeper: StreamKeeper): void {
  app.route({
    method: 'GET',
    url: '/streams/:id/publish',
    config: { needs: needs.operateStream },
    schema: {
      summary: 'Get the addresses to publish a stream at',
      description:
        'Empty for a stream that is pulled from a source. Encoders log in as an operator: by `?token=` behind the ' +
        'address (behind the key, where there is one), or by name and password.',
      operationId: 'getPublishAddresses',
      tags: ['streams'],
      params: streamParams,
      response: { 200: publishAddressesSchema, ...problems(400, 401, 403, 404) },
    },
    handler: async (request) => {
      const { definition } = keeper.get(request.params.id);
      if (definition.sources.length > 0) return { addresses: [] };
      const protocol = deps.ingestProtocols().find(({ name }) => name === definition.protocol);
      const known = protocol?.takesPublishers
        ? protocol.publishAddresses?.(definition, hostnameOf(request))
        : undefined;
      const addresses = (known ?? []).map(({ server, key }) => ({
        url: key === undefined ? server : `${server}/${key}`,
        server,
        key: key ?? null,
      }));
      return { addresses };
    },
  });
}
