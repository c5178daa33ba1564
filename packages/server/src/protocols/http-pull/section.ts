import { z } from 'zod';
import type { ConfigSection } from '../../config/types.ts';
import { checkFingerprint } from '../../net/dial-tls.ts';

/** `[protocols.http]`: without keys. */
export const httpPullSection: ConfigSection = {
  name: 'http',
  schemes: ['http', 'https'],
  checkSource: checkFingerprint,
  pullsOnly: true,
  schema: z.strictObject({}),
};
