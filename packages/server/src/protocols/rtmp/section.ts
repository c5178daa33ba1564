import { z } from 'zod';
import { costsNothing } from '../../config/change-cost.ts';
import type { ConfigSection } from '../../config/types.ts';
import { bindAddress, certificateKeys } from '../../config/values.ts';
import type { BindAddress } from '../../net/bind-address.ts';
import type { CertificateFiles } from '../../net/certificate.ts';
import { checkFingerprint } from '../../net/dial-tls.ts';

const defaultBind: BindAddress = { host: '0.0.0.0', port: 1935 };
const defaultTlsBind: BindAddress = { host: '0.0.0.0', port: 1936 };
const defaultChunkSize = 4096;
const defaultMaxConnections = 1000;

/** `[protocols.rtmp]`. */
export const rtmpSection: ConfigSection = {
  name: 'rtmp',
  schemes: ['rtmp', 'rtmps'],
  checkSource: checkFingerprint,
  schema: z.strictObject({
    bind: bindAddress().default(defaultBind).describe('Where RTMP encoders and players connect'),
    bind_tls: bindAddress().default(defaultTlsBind).describe('RTMPS, once there is a certificate'),
    ...certificateKeys(),
    chunk_size: z
      .int()
      .min(128)
      .max(65_536)
      .default(defaultChunkSize)
      .describe('Bytes of the chunks that we send: larger ones are cheaper, smaller ones let sound pass long pictures')
      .meta(costsNothing),
    max_connections: z
      .int()
      .min(1)
      .max(100_000)
      .default(defaultMaxConnections)
      .describe('Encoders and players at once')
      .meta(costsNothing),
  }),
  paths: ['tls_cert', 'tls_key'],
};

/** What `rtmpSection` makes of the file. */
export interface RtmpSettings {
  readonly bind: BindAddress;
  /** Missing without a certificate. */
  readonly tls?: { readonly bind: BindAddress; readonly files: CertificateFiles };
  readonly chunkSize: number;
  readonly maxConnections: number;
}

/** The validated section; defaults where there is no section. */
export function rtmpSettings(section: Readonly<Record<string, unknown>>): RtmpSettings {
  const certFile = section['tls_cert'] as string | undefined;
  // One file may hold both.
  const keyFile = (section['tls_key'] as string | undefined) ?? certFile;
  return {
    bind: (section['bind'] as BindAddress | undefined) ?? defaultBind,
    chunkSize: (section['chunk_size'] as number | undefined) ?? defaultChunkSize,
    maxConnections: (section['max_connections'] as number | undefined) ?? defaultMaxConnections,
    ...(certFile !== undefined &&
      keyFile !== undefined && {
        tls: { bind: (section['bind_tls'] as BindAddress | undefined) ?? defaultTlsBind, files: { certFile, keyFile } },
      }),
  };
}
