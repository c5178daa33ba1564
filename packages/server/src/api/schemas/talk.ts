import { z } from 'zod';

/** `codec` of whoever speaks. */
export const talkFormat = z
  .enum(['pcm', 'pcma', 'pcmu', 'aac'])
  .default('pcm')
  .describe(
    '`pcm`: 16-bit samples, low byte first, one channel, 8000 a second; `pcma`, `pcmu`: G.711; `aac`: raw frames',
  );

/** What came of speaking to a device. */
export const talkSchema = z.object({
  stream_id: z.string(),
  codec: z.string().describe('What the device was sent'),
  seconds: z.number().describe('Length of what was sent'),
});
