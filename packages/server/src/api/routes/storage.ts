import { coversStream } from '../../catalog/identity/rights.ts';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { storageSchema } from '../schemas/recordings.ts';
import { toInstant } from '../time-text.ts';
import { type ApiApp, problems } from './route.ts';

/** `/storage`: how full it is, and how many days fit. */
export function storageRoutes(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/storage',
    config: { needs: needs.viewList },
    schema: {
      summary: 'Show how full the storage is, and how many days fit',
      operationId: 'getStorage',
      tags: ['recordings'],
      response: { 200: storageSchema, ...problems(401, 403) },
    },
    handler: async (request) => {
      const [backends, streams] = await Promise.all([deps.recorder.storageReport(), deps.recordings.recordedStreams()]);
      return {
        backends: backends.map((backend) => ({
          name: backend.name,
          state: backend.state,
          message: backend.message ?? null,
          total_bytes: Math.round(backend.totalBytes),
          free_bytes: Math.round(backend.freeBytes),
          recorded_bytes: Math.round(backend.recordedBytes),
          locked_bytes: Math.round(backend.lockedBytes),
          max_bytes: backend.maxBytes ?? null,
          write_bytes_per_second: backend.writeBytesPerSecond,
          retention_days: backend.retentionDays,
          forecast_days: backend.forecastDays ?? null,
          forecast: backend.forecast ?? null,
        })),
        streams: streams
          .filter(({ streamId }) => coversStream(request.principal?.streams, streamId))
          .map((entry) => ({
            stream_id: entry.streamId,
            bytes: entry.bytes,
            oldest: toInstant(entry.oldestMs),
            newest: toInstant(entry.newestMs),
          })),
      };
    },
  });
}
