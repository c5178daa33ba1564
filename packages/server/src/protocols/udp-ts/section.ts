import { z } from 'zod';
import type { ConfigSection } from '../../config/types.ts';

/** `[protocols.udp]`: without keys. */
export const udpSection: ConfigSection = { name: 'udp', schemes: ['udp'], pullsOnly: true, schema: z.strictObject({}) };
