import { z } from 'zod';
import { instant } from './common-fields.ts';

/** `GET /health`: the process is alive. */
export const healthSchema = z
  .object({
    status: z.literal('ok'),
    version: z.string(),
    time: instant,
    uptime_seconds: z.int(),
    streams: z.object({
      total: z.int(),
      online: z.int(),
      awaiting_publisher: z.int().describe('Nobody sends them now: no fault'),
    }),
  })
  .meta({ id: 'Health' });

/** `GET /ready`: whether it can do its work; status 503 where a check fails. */
export const readySchema = z
  .object({
    ready: z.boolean(),
    checks: z.array(
      z.object({
        name: z.string(),
        ok: z.boolean(),
        message: z.string().nullable().describe('What is wrong, also where the work goes on without it'),
      }),
    ),
  })
  .meta({ id: 'Ready' });

/** `GET /server`: the process, for people. */
export const serverSchema = z
  .object({
    version: z.string(),
    runtime: z.string().describe('What it runs on'),
    time: instant,
    started: instant,
    uptime_seconds: z.int(),
    cpu_seconds: z.number().describe('CPU time of the process since it began; two answers tell the load'),
    cpu_count: z.int(),
    resident_bytes: z.int().describe('Memory of the process'),
    memory_bytes: z.int().describe('Of the machine'),
    free_memory_bytes: z.int(),
    cache_bytes: z.int().describe('Kept for the readers of all streams'),
    outputs: z
      .array(z.object({ name: z.string(), listening: z.boolean() }))
      .describe('Ways to watch; one whose port could not be had does not listen'),
    dropped_events: z.int().describe('Events that could not be stored'),
    dropped_audit_rows: z.int(),
  })
  .meta({ id: 'Server' });
