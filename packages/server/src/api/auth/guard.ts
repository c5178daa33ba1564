import { WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditSink, NewAuditEntry } from '../../catalog/audit/types.ts';
import { coversStream, hasRole } from '../../catalog/identity/rights.ts';
import type { Rights, Role } from '../../catalog/identity/types.ts';
import { type Authenticator, loginNeeded } from './authenticator.ts';
import { actorOf, anybody, type Principal } from './principal.ts';
import { needs, type RouteNeeds } from './route-needs.ts';
import { crossSiteError, isSafeMethod, originOf } from './same-origin.ts';

/** What the guard works with. */
export interface GuardOptions {
  readonly authenticator: Authenticator;
  readonly audit: AuditSink;
  /** The stream that a segment belongs to, for routes that take segments (`~…`) in the place of streams. */
  readonly streamOfSegment: (segmentId: string) => Promise<string | undefined>;
}

/**
 * Every route of `app` lets in whom its `config.needs` names; without one, administrators only. What changes something
 * must come from a page of this server where the browser vouches for the request by itself: by cookie, or where no login
 * is required. What was done or refused goes to the audit log.
 */
export function guard(app: FastifyInstance, options: GuardOptions): void {
  const { authenticator } = options;
  app.decorateRequest('principal', undefined);
  app.addHook('onRequest', async (request) => {
    const wanted = needsOf(request);
    const principal = await authenticator.identify(request.headers).catch((error) => {
      if (wanted.role === 'open') return undefined;
      throw error;
    });
    if (!principal && wanted.role !== 'open') throw loginNeeded();
    request.principal = principal;
    refuseOtherSites(request, principal);
    if (principal && wanted.role !== 'open') await admit(request, principal, options);
  });
  app.addHook('onResponse', async (request, reply) => writeDown(request, reply, options.audit));
}

/** Throws `forbidden` (`ROLE_NEEDED`) where the role is too small. */
export function needRole(rights: Rights, role: Role): void {
  if (hasRole(rights.role, role)) return;
  throw new WatchpostError(`this needs the role "${role}"; yours is "${rights.role}" — ask an administrator`, {
    kind: 'forbidden',
    code: 'ROLE_NEEDED',
  });
}

/** Throws `forbidden` (`STREAM_FORBIDDEN`), whether there is such a stream or not. */
export function needStream(rights: Rights, streamId: string): void {
  if (coversStream(rights.streams, streamId)) return;
  throw new WatchpostError(`the stream "${streamId}" is not one of yours — ask an administrator`, {
    kind: 'forbidden',
    code: 'STREAM_FORBIDDEN',
  });
}

function needsOf(request: FastifyRequest): RouteNeeds {
  return request.routeOptions.config.needs ?? needs.administer;
}

function refuseOtherSites(request: FastifyRequest, principal: Principal | undefined): void {
  if (isSafeMethod(request.method)) return;
  const origin = originOf(request.headers);
  const unasked = principal === undefined || principal.via === 'none';
  if (principal?.byCookie ? origin !== 'same' : unasked && origin === 'other') throw crossSiteError();
}

async function admit(request: FastifyRequest, principal: Principal, options: GuardOptions): Promise<void> {
  const { role, streams } = needsOf(request);
  if (role !== 'open') needRole(principal, role);
  if (principal.streams === undefined || streams === 'none' || streams === 'listed') return;
  if (streams === 'all')
    throw new WatchpostError('this concerns all streams, and you are limited to some — ask an administrator', {
      kind: 'forbidden',
      code: 'STREAMS_LIMITED',
    });
  const id = pathStream(request) ?? '';
  needStream(principal, id.startsWith('~') ? ((await options.streamOfSegment(id)) ?? id) : id);
}

/** For handlers that know more than their path tells, or send for long: those who leave in the middle are written down, too. */
export function writeDownNow(
  audit: AuditSink,
  request: Pick<FastifyRequest, 'principal' | 'ip' | 'headers'>,
  what: Pick<NewAuditEntry, 'action' | 'streamId' | 'detail'>,
): void {
  const from = { address: request.ip, userAgent: request.headers['user-agent'] };
  audit.record({ ...actorOf(request.principal ?? anybody, from), ...what });
}

function writeDown(request: FastifyRequest, reply: FastifyReply, audit: AuditSink): void {
  const { principal } = request;
  if (!principal) return;
  const { config, schema, url = request.url } = request.routeOptions;
  const actor = actorOf(principal, { address: request.ip, userAgent: request.headers['user-agent'] });
  const streamId = pathStream(request) ?? text(request.body, 'stream_id');
  const where = streamId === undefined ? {} : { streamId };
  if (reply.statusCode === 403)
    audit.record({ ...actor, ...where, action: 'denied', detail: `${request.method} ${url}` });
  if (reply.statusCode >= 400) return;
  const action = config.audit ?? (isSafeMethod(request.method) ? 'none' : 'configure');
  if (action === 'none') return;
  const operation = (schema as { readonly operationId?: string } | undefined)?.operationId ?? url;
  // Of an agent, say; the stream has a column of its own.
  const id = streamId === undefined ? text(request.params, 'id') : undefined;
  const name = text(request.params, 'name') ?? id ?? text(request.body, 'name');
  audit.record({ ...actor, ...where, action, detail: name === undefined ? operation : `${operation} ${name}` });
}

/** The stream that the path names: parameters of users, sessions and tokens have other patterns or names. */
function pathStream(request: FastifyRequest): string | undefined {
  if ((request.routeOptions.config.needs ?? needs.administer).streams !== 'one') return undefined;
  return text(request.params, 'id') ?? text(request.params, 'streamId');
}

function text(record: unknown, field: string): string | undefined {
  const value = (record as Readonly<Record<string, unknown>> | undefined | null)?.[field];
  return typeof value === 'string' ? value : undefined;
}
