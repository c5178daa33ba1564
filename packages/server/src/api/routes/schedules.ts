import { WatchpostError } from '@watchpost/base/errors.ts';
import { z } from 'zod';
import type { KnownSchedule } from '../../catalog/definitions/schedules.ts';
import { coversStream } from '../../catalog/identity/rights.ts';
import { scheduleName, toSchedule } from '../../config/weekly-schedule.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { scheduleInputSchema, scheduleListSchema, scheduleSchema } from '../schemas/recording-rules.ts';
import { type ApiApp, noContent, problems } from './route.ts';

const tags = ['recordings'];
const params = z.object({ name: scheduleName });

/** `/schedules`: weeks that streams are recorded by. */
export function scheduleRoutes(app: ApiApp, deps: ApiDependencies): void {
  listRoute(app, deps);
  app.route({
    method: 'PUT',
    url: '/schedules/:name',
    config: { needs: needs.administer },
    schema: {
      summary: 'Make or change a schedule',
      operationId: 'putSchedule',
      tags,
      params,
      body: scheduleInputSchema,
      response: { 200: scheduleSchema, ...problems(400, 401, 403, 409, 429) },
    },
    handler: async (request) => {
      const schedule = toSchedule({ name: request.params.name, ...request.body });
      await deps.schedules.put(schedule);
      deps.recorder.review();
      return toView({ schedule, origin: 'api' }, streamsOf(schedule.name, deps));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/schedules/:name',
    config: { needs: needs.administer },
    schema: {
      summary: 'Delete a schedule that no stream is recorded by',
      operationId: 'deleteSchedule',
      tags,
      params,
      response: { 204: noContent, ...problems(400, 401, 403, 404, 409) },
    },
    handler: async (request, reply) => {
      const { name } = request.params;
      const streams = streamsOf(name, deps);
      if (streams.length > 0)
        throw new WatchpostError(`"${name}" is the schedule of ${streams.join(', ')} — give them another one before`, {
          kind: 'conflict',
          code: 'SCHEDULE_IN_USE',
        });
      await deps.schedules.remove(name);
      return reply.code(204).send();
    },
  });
}

function listRoute(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/schedules',
    config: { needs: needs.viewList },
    schema: {
      summary: 'List the schedules, and which streams are recorded by them',
      operationId: 'listSchedules',
      tags,
      response: { 200: scheduleListSchema, ...problems(401, 403) },
    },
    handler: async ({ principal }) => ({
      schedules: deps.schedules.list().map((known) => {
        const streams = streamsOf(known.schedule.name, deps);
        return toView(
          known,
          streams.filter((id) => coversStream(principal?.streams, id)),
        );
      }),
    }),
  });
}

function streamsOf(name: string, { hub }: ApiDependencies): string[] {
  return hub
    .list()
    .filter(({ definition }) => definition.recording?.schedule === name)
    .map(({ id }) => id);
}

function toView({ schedule, origin }: KnownSchedule, streams: string[]): z.output<typeof scheduleSchema> {
  const { name, timeZone, ranges } = schedule;
  return {
    name,
    time_zone: timeZone ?? null,
    ranges: ranges.map((range) => ({ ...range, days: [...range.days] })),
    origin,
    streams,
  };
}
