import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { z } from 'zod';
import type { CommandResult } from '../../agents/agent-session.ts';
import { unknownAgent } from '../../catalog/agents/agent-store.ts';
import type { EnrolmentTokenRecord } from '../../catalog/agents/enrolment-tokens.ts';
import type { AuditAction } from '../../catalog/audit/types.ts';
import type { Rights } from '../../catalog/identity/types.ts';
import { adoptCameras } from '../adopt-cameras.ts';
import { toAgent } from '../agent-view.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { GrantWatch } from '../auth/grant-watch.ts';
import { needRole, writeDownNow } from '../auth/guard.ts';
import { isUnlimitedAdmin } from '../auth/principal.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import {
  adoptSchema,
  agentSchema,
  commandResultSchema,
  commandSchema,
  enrolmentTokenSchema,
  newEnrolmentTokenSchema,
  pageLinkSchema,
  pageSchema,
} from '../schemas/agents.ts';
import type { StreamKeeper } from '../stream-keeper.ts';
import { toInstant } from '../time-text.ts';
import { type ApiApp, noContent, problems } from './route.ts';
import { tunnelRoutes } from './tunnels.ts';

const tags = ['agents'];
const params = z.object({ id: z.string().max(64) });
const hourMs = 3_600_000;

/** Who may go on looking at the page of a camera. */
interface PageAccess {
  readonly authenticator: Authenticator;
  readonly watch: GrantWatch;
}

/** `/agents`: who they are, what they may do, and what they are told to; and their tunnels. */
export function agentRoutes(
  app: ApiApp,
  deps: ApiDependencies,
  { keeper, ...access }: PageAccess & { readonly keeper: StreamKeeper },
): void {
  enrolmentTokenRoutes(app, deps);
  identityRoutes(app, deps);
  commandRoute(app, deps);
  adoptRoute(app, deps, keeper);
  pageRoute(app, deps, access);
  tunnelRoutes(app, deps);
}

function enrolmentTokenRoutes(app: ApiApp, deps: ApiDependencies): void {
  const { agents, clock } = deps;
  app.route({
    method: 'GET',
    url: '/agents/enrolment-tokens',
    config: { needs: needs.administer },
    schema: {
      summary: 'List the enrolment tokens',
      operationId: 'listEnrolmentTokens',
      tags,
      response: { 200: z.object({ tokens: z.array(enrolmentTokenSchema) }), ...problems(401, 403) },
    },
    handler: async () => ({ tokens: (await agents.tokens.list()).map(toTokenView) }),
  });
  app.route({
    method: 'POST',
    url: '/agents/enrolment-tokens',
    config: { needs: needs.administer },
    schema: {
      summary: 'Make a token that lets agents in; it is shown this once',
      operationId: 'createEnrolmentToken',
      tags,
      body: newEnrolmentTokenSchema,
      response: { 201: enrolmentTokenSchema.extend({ token: z.string() }), ...problems(400, 401, 403) },
    },
    handler: async ({ body, principal }, reply) => {
      const made = await agents.tokens.create({
        name: body.name,
        maxUses: body.max_uses,
        createdBy: principal?.name ?? '',
        expiresMs: clock.wallMs() + body.expires_hours * hourMs,
      });
      reply.code(201).header('cache-control', 'no-store');
      return { ...toTokenView(made), token: made.token };
    },
  });
  app.route({
    method: 'DELETE',
    url: '/agents/enrolment-tokens/:token',
    config: { needs: needs.administer },
    schema: {
      summary: 'Take an enrolment token back; agents that used it stay',
      operationId: 'revokeEnrolmentToken',
      tags,
      params: z.object({ token: z.string().max(64) }),
      response: { 204: noContent, ...problems(401, 403, 404) },
    },
    handler: async (request, reply) => {
      if (!(await agents.tokens.revoke(request.params.token)))
        throw new WatchpostError('there is no such token', { kind: 'not_found', code: 'TOKEN_NOT_FOUND' });
      return reply.code(204).send();
    },
  });
}

function identityRoutes(app: ApiApp, { agents, events }: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/agents',
    config: { needs: needs.administer },
    schema: {
      summary: 'List the agents and the cameras they found',
      operationId: 'listAgents',
      tags,
      response: { 200: z.object({ agents: z.array(agentSchema) }), ...problems(401, 403) },
    },
    handler: async () => ({ agents: (await agents.store.list()).map((record) => toAgent(agents, record)) }),
  });
  app.route({
    method: 'DELETE',
    url: '/agents/:id',
    config: { needs: needs.administer },
    schema: {
      summary: 'Revoke an agent: its tunnel ends, and it is not let in again',
      operationId: 'revokeAgent',
      tags,
      params,
      response: { 204: noContent, ...problems(401, 403, 404) },
    },
    handler: async ({ params: { id }, principal }, reply) => {
      await agents.revoke(id);
      const message = `${principal?.name} revoked the agent "${id}"`;
      events.emit({ type: 'agent.revoked', level: 'warning', message });
      return reply.code(204).send();
    },
  });
  app.route({
    method: 'POST',
    url: '/agents/:id/release',
    config: { needs: needs.administer },
    schema: {
      summary: 'Forget the key of an agent: the next one of this id with a good token is taken',
      operationId: 'releaseAgent',
      tags,
      params,
      response: { 204: noContent, ...problems(401, 403, 404) },
    },
    handler: async ({ params: { id }, principal }, reply) => {
      await agents.release(id);
      const message = `${principal?.name} released the identity "${id}"`;
      events.emit({ type: 'agent.released', level: 'info', message });
      return reply.code(204).send();
    },
  });
}

/** What commands do that is more than a change of settings. */
const commandActions: Readonly<Record<string, AuditAction>> = { ptz: 'ptz', snapshot: 'snapshot' };

/** Rejects where the agent is away, too. */
async function tell(
  agents: ApiDependencies['agents'],
  id: string,
  { command, params: asked }: z.output<typeof commandSchema>,
): Promise<CommandResult> {
  return agents.require(id).command(command, asked);
}

function commandRoute(app: ApiApp, { agents, audit }: ApiDependencies): void {
  app.route({
    method: 'POST',
    url: '/agents/:id/commands',
    config: { needs: needs.administer, audit: 'none' },
    schema: {
      summary: 'Tell an agent to do something, and wait for its answer',
      operationId: 'commandAgent',
      tags,
      params,
      body: commandSchema,
      response: { 200: commandResultSchema, ...problems(400, 401, 403, 404, 429, 503, 504) },
    },
    handler: async (request) => {
      const { id } = request.params;
      const { command, params: asked } = request.body;
      if (!(await agents.store.find(id))) throw unknownAgent(id);
      // Short enough for what came of it to be in the row.
      const camera = String(asked['camera'] ?? asked['host'] ?? '').slice(0, 64);
      const what = `commandAgent ${id} ${command} ${camera}`.trim();
      const action = commandActions[command] ?? 'configure';
      const writeDown = (how: string) => writeDownNow(audit, request, { action, detail: `${what}${how}` });
      const { attachment, ...result } = await tell(agents, id, request.body).catch((error) => {
        writeDown(` failed ${toWatchpostError(error).code}`);
        throw error;
      });
      writeDown(result.ok ? '' : ' failed');
      if (!attachment) return result;
      const base64 = Buffer.from(attachment.bytes).toString('base64');
      return { ...result, attachment: { name: attachment.name, base64 } };
    },
  });
}

function pageRoute(app: ApiApp, { agents, cameraPages }: ApiDependencies, { authenticator, watch }: PageAccess): void {
  app.route({
    method: 'POST',
    url: '/agents/:id/page',
    config: { needs: needs.administer },
    schema: {
      summary: "Make a link to a camera's own web page; it works once, and on a port of its own",
      operationId: 'linkCameraPage',
      tags,
      params,
      body: pageSchema,
      response: { 201: pageLinkSchema, ...problems(400, 401, 403, 404, 503) },
    },
    handler: async ({ params: { id }, body, hostname, principal }, reply) => {
      if (!(await agents.store.find(id))) throw unknownAgent(id);
      agents.require(id);
      const { port, tls = port === 443 } = body;
      const known = agents.ports.of(id).find((target) => target.port === port);
      const target = { agentId: id, host: body.host ?? known?.host ?? '127.0.0.1', port, tls };
      const admit = async () => {
        const { changes } = watch;
        const now = principal && (await authenticator.still(principal));
        return isUnlimitedAdmin(now) ? watch.grant(principal!, { check: needUnlimitedAdmin, changes }) : undefined;
      };
      const { url, expiresMs } = await cameraPages.link(target, { hostname, admit });
      reply.code(201).header('cache-control', 'no-store');
      return { url, expires: toInstant(expiresMs) };
    },
  });
}

function needUnlimitedAdmin(rights: Rights): void {
  needRole(rights, 'admin');
  if (!isUnlimitedAdmin(rights))
    throw new WatchpostError('pages of cameras are for administrators of all streams', {
      kind: 'forbidden',
      code: 'STREAMS_LIMITED',
    });
}

function adoptRoute(app: ApiApp, { agents }: ApiDependencies, keeper: StreamKeeper): void {
  app.route({
    method: 'POST',
    url: '/agents/:id/adopt',
    config: { needs: needs.administer },
    schema: {
      summary: 'Make streams of the cameras that an agent found',
      operationId: 'adoptCameras',
      tags,
      params,
      body: adoptSchema,
      response: { 201: z.object({ streams: z.array(z.string()) }), ...problems(400, 401, 403, 404) },
    },
    handler: async ({ params: { id }, body }, reply) => {
      const record = await agents.store.find(id);
      if (!record) throw unknownAgent(id);
      const all = agents.session(id)?.cameras ?? record.cameras;
      const cameras = body.cameras ? all.filter((camera) => body.cameras!.includes(camera.id)) : all;
      const { username, password, record: isRecorded } = body;
      const streams = await adoptCameras(keeper, { agentId: id, cameras, username, password, record: isRecorded });
      reply.code(201);
      return { streams: [...streams] };
    },
  });
}

function toTokenView(token: EnrolmentTokenRecord): z.output<typeof enrolmentTokenSchema> {
  return {
    id: token.id,
    name: token.name,
    created_by: token.createdBy,
    created: toInstant(token.createdMs),
    expires: toInstant(token.expiresMs),
    uses: token.uses,
    max_uses: token.maxUses,
  };
}
