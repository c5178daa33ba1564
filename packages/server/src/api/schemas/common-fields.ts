import { parseInstant } from '@watchpost/base/text/instant.ts';
import { z } from 'zod';
import { errorCodes } from '../error-codes.ts';

/** A stream id: one URL segment; the second quality is `ID.sub`. */
export const streamId = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,63}(\.sub)?$/,
    'lower-case letters, digits, "-" and "_", at most 64, beginning with a letter or digit',
  );

/** RFC 3339 with milliseconds in UTC, as answers have it. */
export const instant = z.string().describe('RFC 3339 with milliseconds, UTC');

/** A time in a question: RFC 3339, or milliseconds since 1970 UTC. */
export const instantIn = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = parseInstant(typeof value === 'number' ? String(Math.round(value)) : value);
  if (ms !== undefined) return ms;
  context.addIssue({
    code: 'custom',
    message: 'not a time — use RFC 3339 ("2026-02-11T10:00:00Z") or milliseconds since 1970',
  });
  return z.NEVER;
});

/** RFC 9457, media type `application/problem+json`. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable; what each one means and what to do stands in `x-codes` of this schema'),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', 'x-codes': errorCodes });
