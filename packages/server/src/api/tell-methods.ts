import type { FastifyInstance } from 'fastify';
import { hasRole } from '../catalog/identity/rights.ts';
import { problemMediaType, problemOf } from '../net/problem.ts';
import type { Authenticator } from './auth/authenticator.ts';
import type { RouteNeeds } from './auth/route-needs.ts';

interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
  readonly roles: Set<RouteNeeds['role']>;
}

/**
 * Answers 405 with `Allow` where a path of the API is called by a method that it does not have (RFC 9110 §15.5.6). Who
 * may use none of its methods hears 404, as of a path that does not exist. Before the routes are added.
 */
export function tellMethods(app: FastifyInstance, authenticator: Authenticator): void {
  const paths = new Map<string, KnownPath>();
  app.addHook('onRoute', ({ url, method, config }) => {
    if (config?.needs === undefined) return;
    const path = paths.get(url) ?? { pattern: patternOf(url), methods: new Set(), roles: new Set() };
    paths.set(url, path);
    for (const one of [method].flat()) path.methods.add(one);
    path.roles.add(config.needs.role);
  });
  app.addHook('onRequest', async (request, reply) => {
    // A preflight has no login, and is about other methods.
    if (!request.is404 || request.method === 'OPTIONS') return;
    const path = request.url.split('?', 1)[0]!;
    // Beside the API such a path may be one of the console's pages.
    if (!path.startsWith('/api/') && (request.method === 'GET' || request.method === 'HEAD')) return;
    const known = [...paths.values()].filter(({ pattern }) => pattern.test(path));
    if (known.length === 0) return;
    const principal = await authenticator.identify(request.headers).catch(() => undefined);
    const roles = known.flatMap((one) => [...one.roles]);
    if (!roles.some((role) => role === 'open' || (principal && hasRole(principal.role, role)))) return;
    const allow = [...new Set(known.flatMap(({ methods }) => [...methods]))].sort().join(', ');
    const detail = `${path} has no ${request.method}; it has ${allow}`;
    return reply
      .code(405)
      .header('allow', allow)
      .type(problemMediaType)
      .send(problemOf(405, 'METHOD_NOT_ALLOWED', detail));
  });
}

/** A route's address as one finds it: parameters stand for one part of the path. */
function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : RegExp.escape(part)));
  return new RegExp(`^${parts.join('/')}$`);
}
