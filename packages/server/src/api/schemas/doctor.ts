import { z } from 'zod';
import { findingIds } from '../doctor/finding.ts';
import { streamId } from './common-fields.ts';

/** Answer of `GET /streams/{id}/doctor`. */
export const diagnosisSchema = z
  .object({
    stream_id: streamId,
    watched_seconds: z
      .number()
      .describe('What is measured is of so long; at most three minutes of the present session'),
    measured: z.object({
      bitrate: z.number().describe('Bits per second'),
      fps: z.number(),
      nominal_fps: z.number().nullable().describe('What the camera promises'),
      gop_seconds: z
        .object({ shortest: z.number(), median: z.number(), longest: z.number() })
        .nullable()
        .describe('From key picture to key picture'),
      lost_percent: z.number(),
      longest_gap_seconds: z.number().describe('Longest time in which nothing came'),
      clock_offset_seconds: z
        .number()
        .nullable()
        .describe("How far the camera's clock is ahead; null where it does not tell"),
    }),
    findings: z
      .array(
        z.object({
          id: z.enum(findingIds),
          level: z.enum(['info', 'warning', 'error']),
          text: z.string(),
          cure: z.string().nullable(),
          values: z.record(z.string(), z.union([z.string(), z.number()])).describe('Of the text, for translations'),
        }),
      )
      .describe('The gravest first; empty where all is well'),
  })
  .meta({ id: 'Diagnosis' });
