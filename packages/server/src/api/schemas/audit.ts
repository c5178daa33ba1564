import { z } from 'zod';
import { auditActions } from '../../catalog/audit/types.ts';
import { instant } from './common-fields.ts';

/** What the audit log tells apart. */
export const auditAction = z.enum(auditActions);

/** Who did what. */
export const auditEntrySchema = z
  .object({
    id: z.int(),
    at: instant,
    action: auditAction,
    user: z.string(),
    via: z
      .string()
      .describe(
        '`session`, `password`, `token NAME`, `none`; `command line`: `user` is the account on the server’s machine',
      ),
    stream_id: z.string().nullable(),
    detail: z
      .string()
      .describe(
        'What exactly, in words of this API. A command to an agent that was tried ends with `failed`, and a code where there is one: after `AGENT_COMMAND_TIMEOUT` it may have been done',
      ),
    address: z.string(),
    user_agent: z.string(),
  })
  .meta({ id: 'AuditEntry' });

/** `GET /audit` */
export const auditListSchema = z
  .object({ entries: z.array(auditEntrySchema), next: z.int().nullable().describe('`before` of the next page') })
  .meta({ id: 'AuditList' });
