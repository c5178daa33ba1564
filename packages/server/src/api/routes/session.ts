import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { User } from '../../catalog/identity/types.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { clearSessionCookie, setSessionCookie } from '../auth/cookie.ts';
import type { LoginThrottle } from '../auth/login-throttle.ts';
import { isUnlimitedAdmin } from '../auth/principal.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { toRightsView } from '../rights-view.ts';
import { loginResultSchema, loginSchema, sessionListSchema, sessionSchema, setUpSchema } from '../schemas/access.ts';
import { toInstant } from '../time-text.ts';
import { type ApiApp, noContent, problems } from './route.ts';

const tags = ['access'];
/** Of bodies that anybody may send: a megabyte of JSON keeps everybody else waiting while it is parsed. */
const maxBodyBytes = 16 * 1024;

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
    config: { needs: needs.nothing },
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
        set_up: deps.auth().mode === 'none' || (await deps.identity.users.any()),
        auth: deps.auth().mode,
        user: principal ? { name: principal.name, ...toRightsView(principal) } : null,
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
    bodyLimit: maxBodyBytes,
    config: { needs: needs.nothing },
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
      tellAbout(deps, request, {
        action: 'login',
        user: user.name,
        type: 'auth.setup',
        message: `${user.name} was made the first administrator`,
      });
      reply.code(201);
      return beginSession(deps, { request, reply, user });
    },
  });
}

function loginRoutes(app: ApiApp, deps: ApiDependencies, { throttle }: SessionRouteOptions): void {
  app.route({
    method: 'POST',
    url: '/login',
    bodyLimit: maxBodyBytes,
    config: { needs: needs.nothing },
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
        tellAbout(deps, request, {
          action: 'login_failed',
          user: name,
          type: 'auth.login_failed',
          message: `a login as "${name}" failed`,
        });
        throw new WatchpostError('name or password is wrong', { kind: 'unauthenticated', code: 'LOGIN_WRONG' });
      }
      throttle.succeeded(request.ip, name);
      tellAbout(deps, request, {
        action: 'login',
        user: user.name,
        type: 'auth.login',
        message: `${user.name} logged in`,
      });
      return beginSession(deps, { request, reply, user });
    },
  });
  app.route({
    method: 'POST',
    url: '/logout',
    config: { needs: needs.login, audit: 'logout' },
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
    config: { needs: needs.login },
    schema: {
      summary: 'List the logins that are alive: all for administrators, else those of whoever asks',
      operationId: 'listSessions',
      tags,
      response: { 200: sessionListSchema, ...problems(401, 403) },
    },
    handler: async (request) => ({
      sessions: (await deps.identity.sessions.list(ownOnly(request))).map((session) => ({
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
    config: { needs: needs.login },
    schema: {
      summary: 'End a login',
      operationId: 'revokeSession',
      tags,
      params: z.object({ id: z.string().max(64) }),
      response: { 204: noContent, ...problems(401, 403, 404) },
    },
    handler: async (request, reply) => {
      if (!(await deps.identity.sessions.revoke(request.params.id, ownOnly(request))))
        throw new WatchpostError('there is no such session', { kind: 'not_found', code: 'SESSION_NOT_FOUND' });
      return reply.code(204).send();
    },
  });
}

/** The user whose sessions may be seen and ended; undefined for those of all. A token is no person: it must be unlimited. */
function ownOnly({ principal }: FastifyRequest): string | undefined {
  if (isUnlimitedAdmin(principal)) return undefined;
  if (principal?.via === 'session' && principal.userId !== undefined) return principal.userId;
  throw new WatchpostError('log in with name and password for this', { kind: 'forbidden', code: 'SESSION_NEEDED' });
}

async function beginSession(
  deps: ApiDependencies,
  { request, reply, user }: { request: FastifyRequest; reply: FastifyReply; user: User },
): Promise<z.output<typeof loginResultSchema>> {
  const userAgent = request.headers['user-agent'] ?? '';
  const { token, expiresMs } = await deps.identity.sessions.begin(user, { address: request.ip, userAgent });
  setSessionCookie(request, reply, token);
  reply.header('cache-control', 'no-store');
  return { token, expires: toInstant(expiresMs), user: { name: user.name, ...toRightsView(user) } };
}

function tellAbout(
  deps: ApiDependencies,
  request: FastifyRequest,
  told: {
    readonly action: 'login' | 'login_failed';
    readonly user: string;
    readonly type: string;
    readonly message: string;
  },
): void {
  const { action, user, type, message } = told;
  const level = action === 'login_failed' ? 'warning' : 'info';
  const { ip: address, headers } = request;
  deps.events.emit({ type, level, message, data: { user, address } });
  deps.audit.record({ action, user, via: 'password', address, userAgent: headers['user-agent'] ?? '', detail: type });
}
