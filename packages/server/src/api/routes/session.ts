import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { User } from '../../catalog/identity/types.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { clearSessionCookie, setSessionCookie } from '../auth/cookie.ts';
import type { LoginThrottle } from '../auth/login-throttle.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { loginResultSchema, loginSchema, sessionListSchema, sessionSchema, setUpSchema } from '../schemas/access.ts';
import { toInstant } from '../time-text.ts';
import { type ApiApp, noContent, problems } from './route.ts';

const tags = ['access'];

/** What log-ins need besides. */
export interface SessionRouteOptions {
  readonly authenticator: Authenticator;
  readonly throttle: LoginThrottle;
}

/** `/session`, `/setup`, `/login`, `/logout`, `/sessions` */
export function sessionRoutes(app: ApiApp, deps: ApiDependencies, options: SessionRouteOptions): void {
  whoIsAsking(app, deps);
  setUpRoute(app, deps, options);
  loginRoutes(app, deps, options);
  sessionListRoutes(app, deps);
}

function whoIsAsking(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/session',
    config: { public: true },
    schema: {
      summary: 'Tell who is asking, and whether set-up is still to be done',
      operationId: 'getSession',
      tags,
      security: [],
      response: { 200: sessionSchema },
    },
    handler: async (request) => {
      const { principal } = request;
      return {
        set_up: deps.authMode === 'none' || (await deps.identity.users.any()),
        auth: deps.authMode,
        user: principal ? { name: principal.name, role: principal.role } : null,
        version: deps.version,
        time: toInstant(deps.clock.wallMs()),
      };
    },
  });
}

function setUpRoute(app: ApiApp, deps: ApiDependencies, { throttle }: SessionRouteOptions): void {
  app.route({
    method: 'POST',
    url: '/setup',
    config: { public: true },
    schema: {
      summary: 'Make the first administrator with the token of the one-time link',
      operationId: 'setUp',
      tags,
      security: [],
      body: setUpSchema,
      response: { 201: loginResultSchema, ...problems(400, 401, 403, 409, 429) },
    },
    handler: async (request, reply) => {
      const { token, name, password } = request.body;
      throttle.check(request.ip, 'set-up');
      const user = await deps.identity.setUp(token, { name, password }).catch((error) => {
        if (error instanceof WatchpostError && error.kind === 'unauthenticated') throttle.failed(request.ip, 'set-up');
        throw error;
      });
      tellAbout(deps, request, 'auth.setup', `${user.name} was made the first administrator`);
      reply.code(201);
      return beginSession(deps, { request, reply, user });
    },
  });
}

function loginRoutes(app: ApiApp, deps: ApiDependencies, { throttle }: SessionRouteOptions): void {
  app.route({
    method: 'POST',
    url: '/login',
    config: { public: true },
    schema: {
      summary: 'Log in with name and password',
      operationId: 'login',
      tags,
      security: [],
      body: loginSchema,
      response: { 200: loginResultSchema, ...problems(400, 401, 403, 429) },
    },
    handler: async (request, reply) => {
      const { name, password } = request.body;
      throttle.check(request.ip, name);
      const user = await deps.identity.users.verify(name, password);
      if (!user) {
        throttle.failed(request.ip, name);
        tellAbout(deps, request, 'auth.login_failed', `a login as "${name}" failed`);
        throw new WatchpostError('name or password is wrong', { kind: 'unauthenticated', code: 'LOGIN_WRONG' });
      }
      throttle.succeeded(request.ip, name);
      tellAbout(deps, request, 'auth.login', `${user.name} logged in`);
      return beginSession(deps, { request, reply, user });
    },
  });
  app.route({
    method: 'POST',
    url: '/logout',
    schema: {
      summary: 'End the session that asks',
      operationId: 'logout',
      tags,
      response: { 204: noContent, ...problems(401, 403) },
    },
    handler: async (request, reply) => {
      const id = request.principal?.sessionId;
      if (id !== undefined) await deps.identity.sessions.revoke(id);
      clearSessionCookie(request, reply);
      return reply.code(204).send();
    },
  });
}

function sessionListRoutes(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/sessions',
    schema: {
      summary: 'List the logins that are alive',
      operationId: 'listSessions',
      tags,
      response: { 200: sessionListSchema, ...problems(401) },
    },
    handler: async (request) => ({
      sessions: (await deps.identity.sessions.list()).map((session) => ({
        id: session.id,
        user: session.user.name,
        created: toInstant(session.createdMs),
        last_used: toInstant(session.usedMs),
        expires: toInstant(session.expiresMs),
        address: session.address,
        user_agent: session.userAgent,
        current: session.id === request.principal?.sessionId,
      })),
    }),
  });
  app.route({
    method: 'DELETE',
    url: '/sessions/:id',
    schema: {
      summary: 'End a login',
      operationId: 'revokeSession',
      tags,
      params: z.object({ id: z.string().max(64) }),
      response: { 204: noContent, ...problems(401, 403, 404) },
    },
    handler: async (request, reply) => {
      if (!(await deps.identity.sessions.revoke(request.params.id)))
        throw new WatchpostError('there is no such session', { kind: 'not_found', code: 'SESSION_NOT_FOUND' });
      return reply.code(204).send();
    },
  });
}

async function beginSession(
  deps: ApiDependencies,
  { request, reply, user }: { request: FastifyRequest; reply: FastifyReply; user: User },
): Promise<z.output<typeof loginResultSchema>> {
  const userAgent = request.headers['user-agent'] ?? '';
  const { token, expiresMs } = await deps.identity.sessions.begin(user, { address: request.ip, userAgent });
  setSessionCookie(request, reply, token);
  reply.header('cache-control', 'no-store');
  return { token, expires: toInstant(expiresMs), user: { name: user.name, role: user.role } };
}

function tellAbout(deps: ApiDependencies, request: FastifyRequest, type: string, message: string): void {
  const level = type === 'auth.login_failed' ? 'warning' : 'info';
  deps.events.emit({ type, level, message, data: { address: request.ip } });
}
