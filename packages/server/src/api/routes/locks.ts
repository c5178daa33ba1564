import { WatchpostError } from '@watchpost/base/errors.ts';
import { z } from 'zod';
import type { RecordingLock } from '../../catalog/lock-store.ts';
import { FieldError } from '../../net/problem.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { instantIn, streamId } from '../schemas/common-fields.ts';
import { lockListSchema, lockSchema, newLockSchema } from '../schemas/locks.ts';
import { toInstant } from '../time-text.ts';
import { type ApiApp, noContent, problems } from './route.ts';

const tags = ['recordings'];
const maxLockMs = 400 * 24 * 3_600_000;
const params = z.object({ id: streamId });
const lockParams = z.object({ id: streamId, lock: z.coerce.number().int().positive() });

/** `/recordings/{id}/locks`: stretches that no retention deletes. */
export function lockRoutes(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/recordings/:id/locks',
    config: { needs: needs.viewStream },
    schema: {
      summary: 'List what is locked of the recordings of a stream',
      operationId: 'listLocks',
      tags,
      params,
      querystring: z.object({ start: instantIn.optional(), end: instantIn.optional() }).strict(),
      response: { 200: lockListSchema, ...problems(400, 401, 403) },
    },
    handler: async ({ params: { id }, query }) => ({
      locks: (await deps.locks.list(id, query.start, query.end)).map(toView),
    }),
  });
  putRoute(app, deps);
  app.route({
    method: 'DELETE',
    url: '/recordings/:id/locks/:lock',
    config: { needs: needs.operateStream },
    schema: {
      summary: 'Unlock a stretch: what has expired meanwhile goes within seconds, or minutes after it was last played',
      operationId: 'deleteLock',
      tags,
      params: lockParams,
      response: { 204: noContent, ...problems(400, 401, 403, 404) },
    },
    handler: async (request, reply) => {
      const { id, lock } = request.params;
      if (!(await deps.locks.remove(id, lock)))
        throw new WatchpostError(`there is no lock ${lock} of "${id}"`, { kind: 'not_found', code: 'LOCK_NOT_FOUND' });
      return reply.code(204).send();
    },
  });
}

function putRoute(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'PUT',
    url: '/recordings/:id/locks',
    config: { needs: needs.operateStream },
    schema: {
      summary: 'Lock a stretch of recordings: no retention deletes it until it is unlocked',
      description: 'All files that touch the stretch stay. The same stretch again changes the note only.',
      operationId: 'putLock',
      tags,
      params,
      body: newLockSchema,
      response: { 200: lockSchema, ...problems(400, 401, 403, 429) },
    },
    handler: async (request) => {
      const { start: startMs, end: endMs, note } = request.body;
      if (endMs <= startMs) throw new FieldError([{ field: 'end', message: 'must be later than "start"' }]);
      if (endMs - startMs > maxLockMs) throw new FieldError([{ field: 'end', message: 'at most 400 days at once' }]);
      const createdBy = request.principal?.name ?? '';
      return toView(await deps.locks.put({ streamId: request.params.id, startMs, endMs, note, createdBy }));
    },
  });
}

function toView(lock: RecordingLock): z.output<typeof lockSchema> {
  return {
    id: lock.id,
    start: toInstant(lock.startMs),
    end: toInstant(lock.endMs),
    note: lock.note,
    created_by: lock.createdBy,
    created: toInstant(lock.createdMs),
  };
}
