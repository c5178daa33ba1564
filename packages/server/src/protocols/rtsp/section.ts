import type { MediaTransport } from '@watchpost/media/rtsp/client-setup.ts';
import { z } from 'zod';
import { costsNothing } from '../../config/change-cost.ts';
import type { ConfigSection } from '../../config/types.ts';
import { serverKeys, serverPaths } from './server/settings.ts';
import { checkSource, pullSchemes } from './source-options.ts';

const defaultTransports: MediaTransport[] = ['tcp', 'udp'];

/** `[protocols.rtsp]`. */
export const rtspSection: ConfigSection = {
  name: 'rtsp',
  schemes: pullSchemes,
  checkSource,
  schema: z.strictObject({
    ...serverKeys,
    transport: z
      .array(z.enum(['tcp', 'udp', 'multicast']))
      .min(1)
      .default(defaultTransports)
      .describe('How cameras are pulled, in order of preference; counts when one is connected next')
      .meta(costsNothing),
  }),
  paths: serverPaths,
};

/** The transports of the validated section, in the order in which a pull tries them. */
export function pullTransports(section: Readonly<Record<string, unknown>>): readonly MediaTransport[] {
  return (section['transport'] as readonly MediaTransport[] | undefined) ?? defaultTransports;
}
