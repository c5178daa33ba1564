import { WatchpostError } from '@watchpost/base/errors.ts';
import { z } from 'zod';
import { rtspPasswordOf } from '../../catalog/identity/media-login.ts';
import { lesserRights } from '../../catalog/identity/rights.ts';
import type { ApiToken } from '../../catalog/identity/types.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { toRightsView } from '../rights-view.ts';
import { type apiTokenSchema, createdTokenSchema, newTokenSchema, tokenListSchema } from '../schemas/access.ts';
import { toInstant, toInstantOrNull } from '../time-text.ts';
import { type ApiApp, noContent, problems } from './route.ts';

const tags = ['access'];
const dayMs = 24 * 3_600_000;

/** `/tokens` */
export function tokenRoutes(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/tokens',
    config: { needs: needs.administer },
    schema: {
      summary: 'List the API tokens',
      operationId: 'listTokens',
      tags,
      response: { 200: tokenListSchema, ...problems(401, 403) },
    },
    handler: async () => ({ tokens: (await deps.identity.tokens.list()).map(toTokenView) }),
  });
  app.route({
    method: 'POST',
    url: '/tokens',
    config: { needs: needs.administer },
    schema: {
      summary: 'Make an API token; it is shown this once',
      operationId: 'createToken',
      tags,
      body: newTokenSchema,
      response: { 201: createdTokenSchema, ...problems(400, 401, 403, 422) },
    },
    handler: async (request, reply) => {
      const { name, expires_days, role, streams } = request.body;
      const { principal } = request;
      if (principal?.userId === undefined)
        throw new WatchpostError('a token acts for a user, and nobody is logged in where auth.mode is "none"', {
          kind: 'unsupported',
          code: 'TOKEN_NEEDS_USER',
        });
      const user = { id: principal.userId, name: principal.name, role: principal.role };
      const limits = { ...(role && { role }), ...(streams && { streams }) };
      const expiry = expires_days === undefined ? {} : { expiresMs: deps.clock.wallMs() + expires_days * dayMs };
      const token = await deps.identity.tokens.create(user, { name, limits, ...expiry });
      deps.events.emit({ type: 'auth.token_created', level: 'info', message: `${user.name} made the token "${name}"` });
      reply.code(201).header('cache-control', 'no-store');
      const rtsp_password = rtspPasswordOf(deps.identity.mediaKey, token.id);
      return { ...toTokenView(token), token: token.secret, rtsp_password };
    },
  });
  app.route({
    method: 'DELETE',
    url: '/tokens/:id',
    config: { needs: needs.administer },
    schema: {
      summary: 'Revoke an API token',
      operationId: 'revokeToken',
      tags,
      params: z.object({ id: z.string().max(64) }),
      response: { 204: noContent, ...problems(401, 403, 404) },
    },
    handler: async (request, reply) => {
      if (!(await deps.identity.tokens.revoke(request.params.id)))
        throw new WatchpostError('there is no such token', { kind: 'not_found', code: 'TOKEN_NOT_FOUND' });
      return reply.code(204).send();
    },
  });
}

function toTokenView(token: ApiToken): z.output<typeof apiTokenSchema> {
  const rights = lesserRights(token.user, token.limits);
  return {
    id: token.id,
    name: token.name,
    user: token.user.name,
    ...toRightsView(rights),
    created: toInstant(token.createdMs),
    last_used: toInstantOrNull(token.usedMs),
    expires: toInstantOrNull(token.expiresMs),
  };
}
