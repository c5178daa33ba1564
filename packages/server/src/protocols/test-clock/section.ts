import { z } from 'zod';
import type { ConfigSection } from '../../config/types.ts';

/** `[protocols.test]`: without keys. */
export const testSection: ConfigSection = {
  ...{ name: 'test', schemes: ['test'], pullsOnly: true },
  schema: z.strictObject({}),
};
