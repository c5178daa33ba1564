import { z } from 'zod';
import { costsNothing } from '../../config/change-cost.ts';
import type { ConfigSection } from '../../config/types.ts';
import { duration } from '../../config/values.ts';

/** `[protocols.flv]`. */
export const flvSection: ConfigSection = {
  name: 'flv',
  schema: z.strictObject({
    merge_writes: duration({ max: 2 })
      .default(0)
      .describe('how long frames are collected and then sent at once: cheaper, later; 0 sends each at once')
      .meta(costsNothing),
  }),
};

/** `merge_writes` of the validated section in milliseconds; 0 where there is no section. */
export function mergeWritesMs(section: Readonly<Record<string, unknown>>): number {
  const { merge_writes: seconds } = section;
  return typeof seconds === 'number' ? seconds * 1000 : 0;
}
