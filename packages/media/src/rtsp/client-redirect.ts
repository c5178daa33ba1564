import type { WatchpostError } from '@watchpost/base/errors.ts';
import { originOf } from './base-url.ts';
import { clientError, type RequestContext } from './client-errors.ts';

/** Where a camera at `url` sends us with `location`, without credentials; an error for what is no RTSP URL, and for one from rtsps to rtsp. */
export function redirectTarget(url: string, location: string, request: RequestContext): string | WatchpostError {
  const from = originOf(url) ?? '';
  const target = location.startsWith('/') ? from + location : location.replace(/^(rtsps?:\/\/)[^/?#]*@/i, '$1');
  const origin = originOf(target);
  const refuse = (code: string, message: string) => clientError(code, { kind: 'unavailable', message, request });
  if (origin === undefined)
    return refuse('RTSP_REDIRECT_INVALID', 'the camera redirects to something that is no RTSP URL — check its URL');
  if (from.startsWith('rtsps:') && origin.startsWith('rtsp:'))
    return refuse(
      'RTSP_REDIRECT_INSECURE',
      'the camera redirects from rtsps to rtsp — use an rtsp URL if that is meant',
    );
  return target;
}

/** The error for a camera that never stops redirecting. */
export function redirectLoopError(maxRedirects: number, request: RequestContext): WatchpostError {
  return clientError('RTSP_REDIRECT_LOOP', {
    kind: 'unavailable',
    message: `the camera redirects more than ${maxRedirects} times — check its URL`,
    request,
  });
}
