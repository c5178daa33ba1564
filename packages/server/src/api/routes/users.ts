import { WatchpostError } from '@watchpost/base/errors.ts';
import { z } from 'zod';
import type { UserAccount } from '../../catalog/identity/types.ts';
import type { LoginThrottle } from '../auth/login-throttle.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { toRightsView } from '../rights-view.ts';
import { newUserSchema, passwordChangeSchema, userListSchema, userPatchSchema, userSchema } from '../schemas/access.ts';
import { toInstant, toInstantOrNull } from '../time-text.ts';
import { type ApiApp, noContent, problems } from './route.ts';

const tags = ['access'];
const userParams = z.object({ name: z.string().max(64) });

/** `/users` and `/password` */
export function userRoutes(app: ApiApp, deps: ApiDependencies, throttle: LoginThrottle): void {
  listAndAdd(app, deps);
  changeAndRemove(app, deps);
  ownPassword(app, deps, throttle);
}

function listAndAdd(app: ApiApp, deps: ApiDependencies): void {
  const { users } = deps.identity;
  app.route({
    method: 'GET',
    url: '/users',
    config: { needs: needs.administer },
    schema: {
      summary: 'List the users',
      operationId: 'listUsers',
      tags,
      response: { 200: userListSchema, ...problems(401, 403) },
    },
    handler: async () => ({ users: (await users.list()).map(toUserView) }),
  });
  app.route({
    method: 'POST',
    url: '/users',
    config: { needs: needs.administer },
    schema: {
      summary: 'Add a user',
      operationId: 'createUser',
      tags,
      body: newUserSchema,
      response: { 201: userSchema, ...problems(400, 401, 403, 409, 429) },
    },
    handler: async (request, reply) => {
      const { name, password, role, streams } = request.body;
      const user = await users.add({ name, password, role, ...(streams && { streams }) });
      reply.code(201);
      return toUserView({ ...user, createdMs: deps.clock.wallMs(), seenMs: undefined });
    },
  });
}

function changeAndRemove(app: ApiApp, deps: ApiDependencies): void {
  const { users } = deps.identity;
  app.route({
    method: 'PATCH',
    url: '/users/:name',
    config: { needs: needs.administer },
    schema: {
      summary: 'Change role, streams or password of a user',
      description: 'What is missing stays. A new password ends all sessions of the user.',
      operationId: 'updateUser',
      tags,
      params: userParams,
      body: userPatchSchema,
      response: { 200: userSchema, ...problems(400, 401, 403, 404, 409, 429) },
    },
    handler: async (request) => {
      const { name } = await users.change(request.params.name, request.body);
      const changed = (await users.list()).find((user) => user.name === name);
      if (changed) return toUserView(changed);
      throw new WatchpostError(`there is no user "${name}"`, { kind: 'not_found', code: 'USER_NOT_FOUND' });
    },
  });
  app.route({
    method: 'DELETE',
    url: '/users/:name',
    config: { needs: needs.administer },
    schema: {
      summary: 'Remove a user with all sessions and tokens',
      operationId: 'deleteUser',
      tags,
      params: userParams,
      response: { 204: noContent, ...problems(401, 403, 404, 409) },
    },
    handler: async (request, reply) => {
      await users.remove(request.params.name);
      return reply.code(204).send();
    },
  });
}

function ownPassword(app: ApiApp, deps: ApiDependencies, throttle: LoginThrottle): void {
  const { users } = deps.identity;
  app.route({
    method: 'POST',
    url: '/password',
    config: { needs: needs.login },
    schema: {
      summary: 'Change the password of whoever asks; all other sessions end',
      operationId: 'changePassword',
      tags,
      body: passwordChangeSchema,
      response: { 204: noContent, ...problems(400, 401, 403, 429) },
    },
    handler: async (request, reply) => {
      const { current, password } = request.body;
      const { principal } = request;
      if (principal?.sessionId === undefined)
        throw new WatchpostError('log in with name and password for this', {
          kind: 'forbidden',
          code: 'SESSION_NEEDED',
        });
      throttle.check(request.ip, principal.name);
      if (!(await users.verify(principal.name, current))) {
        throttle.failed(request.ip, principal.name);
        // Not "unauthenticated": the session is good, and the console would ask to log in again.
        throw new WatchpostError('the present password is wrong', { kind: 'forbidden', code: 'PASSWORD_WRONG' });
      }
      throttle.succeeded(request.ip, principal.name);
      await users.change(principal.name, { password }, { keepSessionId: principal.sessionId });
      return reply.code(204).send();
    },
  });
}

function toUserView(user: UserAccount): z.output<typeof userSchema> {
  return {
    name: user.name,
    ...toRightsView(user),
    created: toInstant(user.createdMs),
    last_seen: toInstantOrNull(user.seenMs),
  };
}
