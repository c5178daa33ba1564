import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { costsNothing } from '../../../config/change-cost.ts';
import { bindAddress, certificateKeys, portRange, show } from '../../../config/values.ts';
import type { BindAddress } from '../../../net/bind-address.ts';
import type { CertificateFiles } from '../../../net/certificate.ts';
import type { GroupRange, MulticastSettings } from './multicast-groups.ts';
import type { PortRange } from './udp-ports.ts';

const defaultBind: BindAddress = { host: '0.0.0.0', port: 8554 };
const defaultTlsBind: BindAddress = { host: '0.0.0.0', port: 8322 };
const defaultRange: PortRange = { first: 10_000, last: 20_000 };
const defaultTtl = 16;

/** Keys of `[protocols.rtsp]` that are the server's. */
export const serverKeys = {
  bind: bindAddress()
    .default(defaultBind)
    .describe('Where RTSP players and publishers connect, RTSP over HTTP included'),
  bind_tls: bindAddress().default(defaultTlsBind).describe('RTSPS, once there is a certificate'),
  digest: z
    .boolean()
    .default(false)
    .describe('Ask for Digest as well where there is no TLS: RTSP logins of API tokens')
    .meta(costsNothing),
  ...certificateKeys(),
  multicast: groupRange()
    .optional()
    .describe('group addresses for players that want UDP multicast; off where missing')
    .meta(costsNothing),
  multicast_ttl: z
    .int()
    .min(1)
    .max(255)
    .default(defaultTtl)
    .describe('how many routers multicast may pass')
    .meta(costsNothing),
  rtp_port_range: portRange()
    .default(defaultRange)
    .describe('UDP ports for those of them that want UDP, and ours')
    .meta(costsNothing),
};

/** Keys of `serverKeys` that name files. */
export const serverPaths: readonly string[] = ['tls_cert', 'tls_key'];

/** What `serverKeys` make of the file. */
export interface RtspSettings {
  readonly bind: BindAddress;
  /** Missing without a certificate. */
  readonly tls?: { readonly bind: BindAddress; readonly files: CertificateFiles };
  readonly multicast?: MulticastSettings;
  readonly portRange: PortRange;
  /** Digest is asked for beside Basic where there is no TLS. */
  readonly digest?: boolean;
}

/** The server's part of the validated section; defaults where there is no section. */
export function rtspSettings(section: Readonly<Record<string, unknown>>): RtspSettings {
  const certFile = section['tls_cert'] as string | undefined;
  const keyFile = section['tls_key'] as string | undefined;
  const groups = section['multicast'] as GroupRange | undefined;
  return {
    bind: (section['bind'] as BindAddress | undefined) ?? defaultBind,
    portRange: (section['rtp_port_range'] as PortRange | undefined) ?? defaultRange,
    digest: section['digest'] === true,
    ...(certFile !== undefined && {
      tls: {
        bind: (section['bind_tls'] as BindAddress | undefined) ?? defaultTlsBind,
        // One file may hold both.
        files: { certFile, keyFile: keyFile ?? certFile },
      },
    }),
    ...(groups && { multicast: { groups, ttl: (section['multicast_ttl'] as number | undefined) ?? defaultTtl } }),
  };
}

/** A key that takes group addresses, `"239.192.0.0/24"` (RFC 2365: 239.0.0.0/8 stays within an organization). */
function groupRange() {
  return z.string().transform((value, context): GroupRange => {
    const match = /^([\d.]+)\/(\d{1,2})$/.exec(value.trim());
    const bits = Number(match?.[2]);
    if (match && isIPv4(match[1]!) && bits >= 8 && bits <= 32) {
      const parts = match[1]!.split('.').map(Number);
      const first = parts.reduce((sum, part) => sum * 256 + part, 0);
      const count = 2 ** (32 - bits);
      if (parts[0]! >= 224 && parts[0]! <= 239) return { first: first - (first % count), count };
    }
    const message = `${show(value)} is no range of group addresses — write "239.192.0.0/24"`;
    context.issues.push({ code: 'custom', message, input: value });
    return z.NEVER;
  });
}
