import { z } from 'zod';
import type { ConfigSection } from '../../config/types.ts';
import { bindAddress } from '../../config/values.ts';
import type { BindAddress } from '../../net/bind-address.ts';

const defaultBind: BindAddress = { host: '0.0.0.0', port: 1935 };
const defaultChunkSize = 4096;
const defaultMaxConnections = 1000;

/** `[protocols.rtmp]`. */
export const rtmpSection: ConfigSection = {
  name: 'rtmp',
  schemes: ['rtmp', 'rtmps'],
  schema: z.strictObject({
    bind: bindAddress().default(defaultBind).describe('Where RTMP encoders and players connect'),
    chunk_size: z
      .int()
      .min(128)
      .max(65_536)
      .default(defaultChunkSize)
      .describe('Bytes of the chunks that we send: larger ones are cheaper, smaller ones let sound pass long pictures'),
    max_connections: z
      .int()
      .min(1)
      .max(100_000)
      .default(defaultMaxConnections)
      .describe('Encoders and players at once'),
  }),
};

/** What `rtmpSection` makes of the file. */
export interface RtmpSettings {
  readonly bind: BindAddress;
  readonly chunkSize: number;
  readonly maxConnections: number;
}

/** The validated section; defaults where there is no section. */
export function rtmpSettings(section: Readonly<Record<string, unknown>>): RtmpSettings {
  return {
    bind: (section['bind'] as BindAddress | undefined) ?? defaultBind,
    chunkSize: (section['chunk_size'] as number | undefined) ?? defaultChunkSize,
    maxConnections: (section['max_connections'] as number | undefined) ?? defaultMaxConnections,
  };
}
