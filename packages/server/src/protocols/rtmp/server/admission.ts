import { WatchpostError } from '@watchpost/base/errors.ts';
import type { RtmpTarget } from '@watchpost/media/rtmp/target.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import type { AccessControl, Grant } from '../../../hub/types.ts';

/** Names of the query under which encoders that know nothing else put a login. */
const userKeys = ['user', 'username'];
const passwordKeys = ['password', 'pass', 'pwd'];

/** The stream that a client names: by its definition, `live/ID`, or `ID` alone. Throws `not_found`. */
export function streamIdOf({ app, name }: RtmpTarget, hub: StreamHub): string {
  const isOwn = (app === 'live' || app === '') && hub.get(name) !== undefined;
  const defined = isOwn ? undefined : hub.publishers.idAt('rtmp', `${app}/${name}`);
  if (defined !== undefined) return defined;
  if ((app === 'live' || app === '') && name !== '') return name;
  throw new WatchpostError(
    `there is no "${[app, name].join('/').slice(0, 100)}" here - the address is rtmp://SERVER/live, the stream key its name`,
    { kind: 'not_found', code: 'STREAM_NOT_FOUND' },
  );
}

/**
 * Asks the access control. Credentials stand in the stream key or behind the address: `?token=`, or `?user=&password=`;
 * RTMP has no other place that all encoders know.
 */
export async function admit(
  access: AccessControl,
  target: RtmpTarget,
  wanted: { action: 'live' | 'publish'; streamId: string; remoteAddress: string; userAgent: string },
): Promise<Grant> {
  const { userAgent, ...request } = wanted;
  const query = new URLSearchParams(target.query);
  const user = firstOf(query, userKeys);
  const password = firstOf(query, passwordKeys);
  const hasLogin = user !== undefined || password !== undefined;
  const login = Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64');
  return access.authorize({
    ...request,
    headers: {
      ...(hasLogin && { authorization: `Basic ${login}` }),
      ...(userAgent !== '' && { 'user-agent': userAgent }),
    },
    query,
    takesPasswords: true,
  });
}

function firstOf(query: URLSearchParams, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = query.get(key);
    if (value !== null) return value;
  }
  return undefined;
}
