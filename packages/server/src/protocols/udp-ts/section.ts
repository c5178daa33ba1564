import { z } from 'zod';
import type { ConfigSection } from '../../config/types.ts';

/** `[protocols.udp]`: without keys. */
export const udpSection: ConfigSection = { name: 'udp', schemes: ['udp'], schema: z.strictObject({}) };
