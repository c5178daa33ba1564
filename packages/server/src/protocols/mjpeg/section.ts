import { z } from 'zod';
import { costsNothing } from '../../config/change-cost.ts';
import type { ConfigSection } from '../../config/types.ts';
import { duration } from '../../config/values.ts';

const defaultSeconds = 1;

/** `[protocols.mjpeg]`. */
export const mjpegSection: ConfigSection = {
  name: 'mjpeg',
  schema: z.strictObject({
    interval: duration({ min: 0.2, max: 60 })
      .default(defaultSeconds)
      .describe('key pictures of H.264 and H.265 are rendered at most so often; MJPEG passes untouched')
      .meta(costsNothing),
  }),
};

/** `interval` of the validated section in milliseconds; the default where there is no section. */
export function renderIntervalMs(section: Readonly<Record<string, unknown>>): number {
  const { interval: seconds } = section;
  return (typeof seconds === 'number' ? seconds : defaultSeconds) * 1000;
}
