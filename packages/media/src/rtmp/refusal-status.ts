import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { RtmpStatus } from './command.ts';

const maxDescription = 300;

/** How a publisher is told no: encoders show the description. */
export function publishRefusal(reason: WatchpostError): RtmpStatus {
  const isLogin = reason.kind === 'unauthenticated' || reason.kind === 'forbidden';
  return {
    level: 'error',
    code: isLogin && reason.code !== 'STREAM_HAS_SOURCE' ? 'NetStream.Publish.Denied' : 'NetStream.Publish.BadName',
    description: describe(reason),
  };
}

/** How a player is told no. */
export function playRefusal(reason: WatchpostError, name: string): RtmpStatus {
  const code = reason.kind === 'not_found' ? 'NetStream.Play.StreamNotFound' : 'NetStream.Play.Failed';
  return { level: 'error', code, description: `${name}: ${describe(reason)}` };
}

/** Defects of ours are no business of the other side. */
function describe({ kind, message }: WatchpostError): string {
  return kind === 'internal' ? 'something went wrong here' : message.slice(0, maxDescription);
}
