import { z } from 'zod';

const configChange = z.object({
  key: z.string().describe('`recording.retention_days`, `cameras.gate.url`, `cameras.gate`'),
  change: z.enum(['added', 'changed', 'removed']),
  cost: z
    .enum(['nothing', 'this source', 'these readers', 'restart'])
    .describe('What the change costs while the server runs'),
});

/** Answer of `POST /config/reload`. */
export const configReloadSchema = z
  .object({
    applied: z.array(configChange).describe('Counts from now on'),
    restart: z.array(configChange).describe('Counts after a restart; the old values go on'),
    warnings: z.array(z.string()).describe('What is odd about the file'),
  })
  .meta({ id: 'ConfigReload' });
