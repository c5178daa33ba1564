import { arch, availableParallelism, freemem, platform, totalmem } from 'node:os';
import { needs } from '../auth/route-needs.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { serverSchema } from '../schemas/health.ts';
import { toInstant } from '../time-text.ts';
import { type ApiApp, problems } from './route.ts';

/** `/server`: the process and the ways in, for people who ask whether all is well. */
export function serverRoutes(app: ApiApp, deps: ApiDependencies): void {
  app.route({
    method: 'GET',
    url: '/server',
    config: { needs: needs.viewServer },
    schema: {
      summary: 'Show how the server does: its process, and the outputs that listen',
      operationId: 'getServer',
      tags: ['server'],
      response: { 200: serverSchema, ...problems(401, 403) },
    },
    handler: async () => {
      const { user, system } = process.cpuUsage();
      const uptimeSeconds = Math.floor(process.uptime());
      const nowMs = deps.clock.wallMs();
      return {
        version: deps.version,
        runtime: `Node.js ${process.versions.node}, ${platform()} ${arch()}`,
        time: toInstant(nowMs),
        started: toInstant(nowMs - uptimeSeconds * 1000),
        uptime_seconds: uptimeSeconds,
        cpu_seconds: (user + system) / 1e6,
        cpu_count: availableParallelism(),
        resident_bytes: process.memoryUsage.rss(),
        memory_bytes: totalmem(),
        free_memory_bytes: freemem(),
        cache_bytes: deps.hub.budget.usedBytes,
        outputs: deps.outputs().map((output) => ({
          name: output.protocol,
          listening: output.origin === undefined || output.origin('localhost') !== undefined,
        })),
        dropped_events: deps.events.dropped,
        dropped_audit_rows: deps.audit.dropped,
      };
    },
  });
}
