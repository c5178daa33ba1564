import { z } from 'zod';
import type { ConfigSection } from '../../config/types.ts';

/** `[protocols.http]`: without keys. */
export const httpPullSection: ConfigSection = {
  name: 'http',
  schemes: ['http', 'https'],
  pullsOnly: true,
  schema: z.strictObject({}),
};
