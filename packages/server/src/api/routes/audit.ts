import { Readable } from 'node:stream';
import { z } from 'zod';
import { auditCsv, toAuditView } from '../audit-view.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { auditAction, auditListSchema } from '../schemas/audit.ts';
import { instantIn, streamId } from '../schemas/common-fields.ts';
import { type ApiApp, jsonOr, problems } from './route.ts';

/** `/audit`: who did what, in pages, or whole as CSV. */
export function auditRoutes(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/audit',
    config: { needs: needs.administer },
    schema: {
      summary: 'Show who looked, exported, moved, changed and logged in, newest first',
      description:
        'Somebody who watches is one row for each stream, and minute at most. `format=csv` answers all rows of the ' +
        'filter as a file (RFC 4180), up to 100 000.',
      operationId: 'listAudit',
      tags: ['access'],
      querystring: z
        .object({
          before: z.coerce.number().int().min(0).optional().describe('Older than this id'),
          user: z.string().max(64).optional(),
          action: auditAction.optional(),
          stream_id: streamId.optional(),
          start: instantIn.optional(),
          end: instantIn.optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
          format: z.enum(['json', 'csv']).default('json'),
        })
        .strict(),
      response: {
        ...jsonOr(auditListSchema, 'text/csv', 'A page; with `format=csv` the file'),
        ...problems(400, 401, 403),
      },
    },
    handler: async (request, reply) => {
      const { before, user, action, stream_id, start, end, limit, format } = request.query;
      const filter = { user, action, streamId: stream_id, startMs: start, endMs: end };
      reply.header('cache-control', 'no-store');
      if (format === 'csv') {
        reply.header('content-disposition', 'attachment; filename="watchpost-audit.csv"');
        reply.type('text/csv; charset=utf-8').serializer((body: unknown) => body as string);
        return reply.send(Readable.from(auditCsv(deps.audit, filter)) as never);
      }
      const page = await deps.audit.query({ ...filter, beforeId: before, limit });
      return { entries: page.map(toAuditView), next: page.length === limit ? (page.at(-1)?.id ?? null) : null };
    },
  });
}
