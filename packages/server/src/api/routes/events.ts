import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Rights } from '../../catalog/identity/types.ts';
import type { GrantWatch } from '../auth/grant-watch.ts';
import { anybody, isUnlimitedAdmin } from '../auth/principal.ts';
import { needs } from '../auth/route-needs.ts';
import { crossSiteError, originOf } from '../auth/same-origin.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { answerSink, type EventSink, webSocketSink } from '../event-sinks.ts';
import { type EventStreamOptions, serveEventStream } from '../event-stream.ts';
import type { EventUpgrades } from '../event-upgrades.ts';
import { toEventView } from '../event-view.ts';
import { streamId } from '../schemas/common-fields.ts';
import { eventListSchema } from '../schemas/recordings.ts';
import { type ApiApp, jsonOr, problems } from './route.ts';

const eventId = z.coerce.number().int().min(0);

/** What events as they happen need besides. */
export interface EventRouteParts {
  readonly watch: GrantWatch;
  readonly upgrades: EventUpgrades;
}

/** `/events`: pages, server-sent events, and events by WebSocket. */
export function eventRoutes(app: ApiApp, deps: ApiDependencies, parts: EventRouteParts): void {
  app.route({
    method: 'GET',
    url: '/events',
    config: { needs: needs.viewList },
    schema: {
      summary: 'List events, or receive them as they happen',
      description:
        'With `Accept: text/event-stream` the answer is a stream of server-sent events, each with an event as JSON in ' +
        '`data`; `Last-Event-ID` (or `after`) resumes after an event. A WebSocket at the same path gets each event as a text ' +
        'message: a browser keeps as many of them as it has tabs, but six connections for all other requests to a server. ' +
        'Else pages: newest first, or oldest first with `after`.',
      operationId: 'listEvents',
      tags: ['events'],
      querystring: z
        .object({
          before: eventId.optional().describe('Older than this id'),
          after: eventId.optional().describe('Newer than this id'),
          stream_id: streamId.optional(),
          type: z
            .string()
            .max(200)
            .optional()
            .describe('Types, or areas with a dot at the end, by commas: `stream.,disk.low`'),
          level: z.enum(['info', 'warning', 'error']).optional().describe('This level or graver'),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        })
        .strict(),
      response: {
        ...jsonOr(
          eventListSchema,
          'text/event-stream',
          'A page; with `Accept: text/event-stream` events as they happen',
        ),
        ...problems(400, 401, 403),
      },
    },
    handler: async (request, reply) => {
      const { before, after, limit, ...rest } = request.query;
      const filter = { ...toFilter(rest), ...visibleTo(request.principal) };
      if (parts.upgrades.isWanted(request) || request.headers.accept?.includes('text/event-stream')) {
        await streamEvents(deps, parts, { request, reply, after, filter });
        return reply;
      }
      const page = await deps.events.query({
        ...filter,
        limit,
        ...(after === undefined ? {} : { afterId: after }),
        ...(before === undefined ? {} : { beforeId: before }),
      });
      return { events: page.map(toEventView), next: page.length === limit ? (page.at(-1)?.id ?? null) : null };
    },
  });
}

interface StreamRequest {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly after: number | undefined;
  readonly filter: EventStreamOptions['filter'];
}

async function streamEvents(deps: ApiDependencies, parts: EventRouteParts, stream: StreamRequest): Promise<void> {
  const { request, reply, filter } = stream;
  const { principal = anybody } = request;
  const resumeFrom = request.headers['last-event-id'];
  const afterId = typeof resumeFrom === 'string' && /^\d{1,15}$/.test(resumeFrom) ? Number(resumeFrom) : stream.after;
  const serve = (sink: EventSink) => {
    const grant = parts.watch.grant(principal, { check: checkSees(request.principal) });
    return serveEventStream({ sink, events: deps.events, clock: deps.clock, afterId, filter, grant });
  };
  if (parts.upgrades.isWanted(request)) {
    // Any page may open a WebSocket and read it; cookies go with it where sites differ in their ports only.
    if ((principal.byCookie || principal.via === 'none') && originOf(request.headers) === 'other')
      throw crossSiteError();
    parts.upgrades.accept(request, reply, (webSocket) => {
      const sink = webSocketSink(webSocket);
      serve(sink).catch((thrown) => sink.end(toWatchpostError(thrown)));
    });
    return;
  }
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Proxies such as nginx would keep events until a buffer is full.
    'x-accel-buffering': 'no',
  });
  if (request.method === 'HEAD') return void reply.raw.end();
  await serve(answerSink(reply.raw));
}

/** What is seen must stay the same: a client that comes again gets what it may see by then. */
function checkSees(before: Rights | undefined): (now: Rights) => void {
  const seen = JSON.stringify(visibleTo(before));
  return (now) => {
    if (JSON.stringify(visibleTo(now)) === seen) return;
    throw new WatchpostError('your rights were changed — ask again', { kind: 'forbidden', code: 'RIGHTS_CHANGED' });
  };
}

/** Logins are the business of administrators; the rest is for whom the streams are. */
function visibleTo(rights: Rights | undefined): Pick<EventStreamOptions['filter'], 'onlyStreams' | 'exceptArea'> {
  return {
    ...(rights?.streams && { onlyStreams: rights.streams }),
    ...(!isUnlimitedAdmin(rights) && { exceptArea: 'auth.' }),
  };
}

function toFilter(query: {
  readonly stream_id?: string | undefined;
  readonly type?: string | undefined;
  readonly level?: 'info' | 'warning' | 'error' | undefined;
}): EventStreamOptions['filter'] {
  const types = query.type?.split(',').filter((type) => type !== '');
  return {
    ...(query.stream_id === undefined ? {} : { streamId: query.stream_id }),
    ...(types === undefined || types.length === 0 ? {} : { types }),
    ...(query.level === undefined ? {} : { level: query.level }),
  };
}
