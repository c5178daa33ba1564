import { type RegistrationTarget, successful } from './target.ts';

/**
 * Flussonic Media Server (Media Server API, version 24.11: `stream_save`, `stream_get`, `stream_delete` below
 * `/streamer/api/v3`, Basic authentication with `edit_auth`): a stream with one input, saved whole, so that saving it twice changes nothing.
 */
export function flussonicTarget({ username, password }: { username: string; password: string }): RegistrationTarget {
  const path = (name: string) => `/streamer/api/v3/streams/${encodeURIComponent(name)}`;
  return {
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
    find: async (stream, send) => {
      const answer = await send('GET', path(stream.name));
      if (answer.status === 404) return 'nothing';
      const { json } = successful(answer);
      const { title, inputs } = (json ?? {}) as { title?: unknown; inputs?: { url?: unknown }[] };
      const isOurs = Array.isArray(inputs) && inputs.length === 1 && inputs[0]?.url === stream.address;
      return isOurs && title === stream.title ? 'ours' : 'other';
    },
    put: async ({ name, title, address }, send) => {
      successful(await send('PUT', path(name), JSON.stringify({ name, title, inputs: [{ url: address }] })));
      return undefined;
    },
    remove: async ({ name }, send) => {
      const answer = await send('DELETE', path(name));
      if (answer.status !== 404) successful(answer);
    },
  };
}
