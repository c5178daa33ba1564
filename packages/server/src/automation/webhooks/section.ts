import { z } from 'zod';
import { costsNothing } from '../../config/change-cost.ts';
import type { RootSection } from '../../config/types.ts';
import { duration } from '../../config/values.ts';

/** One hook as the file has it. */
export interface WebhookSettings {
  /** Names it in metrics. */
  readonly name?: string | undefined;
  /** `http:` or `https:`; a user name and password in it become Basic authentication. */
  readonly url: string;
  /** Types of events: `disk.low`, all of an area `stream.*`, or all `*`. */
  readonly events: readonly string[];
  /** This level or graver. */
  readonly min_level: 'info' | 'warning' | 'error';
  readonly secret?: string | undefined;
  /** Seconds that an event is tried for. */
  readonly give_up: number;
}

/** The hooks of a configuration. */
export function webhookSettings(sections: Readonly<Record<string, unknown>>): readonly WebhookSettings[] {
  return (sections[webhooksSection.name] ?? []) as readonly WebhookSettings[];
}

const eventPattern = z.string().regex(/^(\*|[a-z][a-z0-9_]*\.(\*|[a-z][a-z0-9_]*))$/, {
  message: 'write "*" for all, "stream.*" for an area, or a type such as "stream.offline"',
});

const hookUrl = z.string().superRefine((value, context) => {
  const message = 'write it as "https://HOST/PATH"';
  if (!/^https?:\/\/[^/]/.test(value) || !URL.canParse(value)) context.addIssue({ code: 'custom', message });
});

/** `[[webhooks]]`: where events are sent. */
export const webhooksSection: RootSection = {
  name: 'webhooks',
  place: 'root',
  schema: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(/^[a-z0-9][a-z0-9_.-]{0,63}$/, 'use a-z, 0-9, "_", "-" and "."')
          .optional()
          .describe('names it in metrics; its host where it is missing'),
        url: hookUrl.describe('each event is sent there by POST, as JSON'),
        events: z.array(eventPattern).min(1).default(['*']).describe('types of events, areas or all'),
        min_level: z.enum(['info', 'warning', 'error']).default('info').describe('this level or graver'),
        secret: z.string().min(8).optional().describe('signs what is sent'),
        give_up: duration({ min: 10, max: 7 * 86_400 })
          .default(43_200)
          .describe('how long an event is tried for'),
      }),
    )
    .superRefine((list, context) => {
      for (const [i, { name, url }] of list.entries()) {
        const before = list.slice(0, i);
        if (name !== undefined && before.some((other) => other.name === name))
          context.addIssue({ code: 'custom', path: [i, 'name'], message: `"${name}" is taken` });
        const same = before.findIndex((other) => other.url === url);
        // How far a receiver has come is kept by its address.
        if (same >= 0)
          context.addIssue({
            code: 'custom',
            path: [i, 'url'],
            message: `is that of webhooks[${same}] — put all events into one`,
          });
      }
    })
    .default([])
    .meta(costsNothing),
};
