import type { MediaTransport } from '@watchpost/media/rtsp/client-setup.ts';
import { z } from 'zod';
import type { ConfigSection } from '../../config/types.ts';
import { bindAddress, portRange } from '../../config/values.ts';
import type { BindAddress } from '../../net/bind-address.ts';
import type { PortRange } from './server/udp-ports.ts';
import { pullSchemes } from './source-options.ts';

const defaultBind: BindAddress = { host: '0.0.0.0', port: 8554 };
const defaultRange: PortRange = { first: 10_000, last: 20_000 };
const defaultTransports: MediaTransport[] = ['tcp', 'udp'];

/** `[protocols.rtsp]`. */
export const rtspSection: ConfigSection = {
  name: 'rtsp',
  schemes: pullSchemes,
  schema: z.strictObject({
    bind: bindAddress().default(defaultBind).describe('Where RTSP players and publishers connect'),
    rtp_port_range: portRange().default(defaultRange).describe('UDP ports for those of them that want UDP, and ours'),
    transport: z
      .array(z.enum(['tcp', 'udp', 'multicast']))
      .min(1)
      .default(defaultTransports)
      .describe('How cameras are pulled, in order of preference'),
  }),
};

/** What `rtspSection` makes of the file. */
export interface RtspSettings {
  readonly bind: BindAddress;
  readonly portRange: PortRange;
}

/** The validated section; defaults where there is no section. */
export function rtspSettings(section: Readonly<Record<string, unknown>>): RtspSettings {
  return {
    bind: (section['bind'] as BindAddress | undefined) ?? defaultBind,
    portRange: (section['rtp_port_range'] as PortRange | undefined) ?? defaultRange,
  };
}

/** The transports of the validated section, in the order in which a pull tries them. */
export function pullTransports(section: Readonly<Record<string, unknown>>): readonly MediaTransport[] {
  return (section['transport'] as readonly MediaTransport[] | undefined) ?? defaultTransports;
}
