import { z } from 'zod';
import type { ConfigSection } from '../../config/types.ts';

/** `[protocols.file]`: without keys; files lie below `media_dir`. */
export const fileSection: ConfigSection = {
  ...{ name: 'file', schemes: ['file'], pullsOnly: true },
  schema: z.strictObject({}),
};
