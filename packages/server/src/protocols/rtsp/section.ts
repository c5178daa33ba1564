import { z } from 'zod';
import type { ConfigSection } from '../../config/types.ts';

/** `[protocols.rtsp]`. */
export const rtspSection: ConfigSection = {
  name: 'rtsp',
  schemes: ['rtsp'],
  schema: z.strictObject({}),
  later: ['bind', 'transport', 'rtp_port_range'],
};
