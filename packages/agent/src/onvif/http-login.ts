import { DigestAnswerer } from '@watchpost/media/rtsp/digest.ts';
import type { HttpAnswer, HttpRequest, Platform } from '../platform/platform.ts';

/** A request to a camera's HTTP server, again with Digest or Basic where it asks for a login. */
export async function requestWithLogin(
  platform: Platform,
  request: HttpRequest,
  login: { readonly username?: string | undefined; readonly password?: string | undefined },
): Promise<HttpAnswer> {
  const first = await platform.request(request);
  const challenge = first.headers['www-authenticate'];
  if (first.status !== 401 || challenge === undefined || login.username === undefined) return first;
  const answerer = new DigestAnswerer({ username: login.username, password: login.password ?? '' });
  if (answerer.accept([challenge]) === 'none') return first;
  const { pathname, search } = new URL(request.url);
  const authorization = answerer.authorize(request.method, pathname + search);
  if (authorization === undefined) return first;
  return await platform.request({ ...request, headers: { ...request.headers, authorization } });
}
