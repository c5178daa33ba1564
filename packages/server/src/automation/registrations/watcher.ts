import { type RegistrationTarget, successful } from './target.ts';

/**
 * Flussonic Watcher (its published API v2: `/vsaas/api/v2/cameras`, header `x-vsaas-api-key`): a camera, made by POST and
 * changed by PUT.
 */
export function watcherTarget({ api_key }: { api_key: string }): RegistrationTarget {
  const cameras = '/vsaas/api/v2/cameras';
  const path = (name: string) => `${cameras}/${encodeURIComponent(name)}`;
  return {
    headers: { 'x-vsaas-api-key': api_key },
    find: async (stream, send) => {
      const answer = await send('GET', path(stream.name));
      if (answer.status === 404) return 'nothing';
      const { json } = successful(answer);
      const { title, stream_url } = (json ?? {}) as { title?: unknown; stream_url?: unknown };
      return title === stream.title && stream_url === stream.address ? 'ours' : 'other';
    },
    put: async ({ name, title, address }, send) => {
      const camera = { title, stream_url: address, enabled: true };
      const changed = await send('PUT', path(name), JSON.stringify(camera));
      if (changed.status === 404) successful(await send('POST', cameras, JSON.stringify({ name, ...camera })));
      else successful(changed);
      return undefined;
    },
    remove: async ({ name }, send) => {
      const answer = await send('DELETE', path(name));
      if (answer.status !== 404) successful(answer);
    },
  };
}
