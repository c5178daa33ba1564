import type { FastifyInstance } from 'fastify';
import { type Authenticator, loginNeeded } from './authenticator.ts';
import { crossSiteError, isSafeMethod, originOf } from './same-origin.ts';

/**
 * Every route of `app` needs a login, except those with `config.public`. What changes something must come from a page of
 * this server where the browser vouches for the request by itself: by cookie, or where no login is required.
 */
export function guard(app: FastifyInstance, authenticator: Authenticator): void {
  app.decorateRequest('principal', undefined);
  app.addHook('onRequest', async (request) => {
    const isPublic = request.routeOptions.config.public === true;
    const principal = await authenticator.identify(request.headers).catch((error) => {
      if (isPublic) return undefined;
      throw error;
    });
    if (!principal && !isPublic) throw loginNeeded();
    request.principal = principal;
    if (isSafeMethod(request.method)) return;
    const origin = originOf(request.headers);
    const unasked = principal === undefined || principal.via === 'none';
    if (principal?.byCookie ? origin !== 'same' : unasked && origin === 'other') throw crossSiteError();
  });
}
