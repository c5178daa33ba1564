import { z } from 'zod';
import { instant } from './common-fields.ts';

/** `GET /health`: the process is alive. */
export const healthSchema = z
  .object({
    status: z.literal('ok'),
    version: z.string(),
    time: instant,
    uptime_seconds: z.int(),
    streams: z.object({ total: z.int(), online: z.int() }),
  })
  .meta({ id: 'Health' });

/** `GET /ready`: whether it can do its work; status 503 where a check fails. */
export const readySchema = z
  .object({
    ready: z.boolean(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string().nullable() })),
  })
  .meta({ id: 'Ready' });
