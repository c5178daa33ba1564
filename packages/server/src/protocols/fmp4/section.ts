import { z } from 'zod';
import type { ConfigSection } from '../../config/types.ts';

/** `[protocols.fmp4]`: nothing to set; the section may be there. */
export const fmp4Section: ConfigSection = { name: 'fmp4', schema: z.strictObject({}) };
