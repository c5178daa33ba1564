import { z } from 'zod';
import { instant, instantIn, streamId } from './common-fields.ts';

/** `POST /recordings/{id}/export` */
export const newExportSchema = z.object({ start: instantIn, end: instantIn }).strict().meta({ id: 'NewExport' });

/** An export: recordings as one MP4 file. */
export const exportSchema = z
  .object({
    id: z.string(),
    stream_id: streamId,
    state: z.enum(['queued', 'running', 'done', 'failed']),
    progress: z.number().describe('0 to 1'),
    requested: z.object({ start: instant, end: instant }),
    start: instant.nullable().describe('Of the first picture, once it is known'),
    end: instant.nullable().describe('Of the end of the last picture'),
    bytes: z.int().describe('0 until it is known'),
    gaps: z.array(z.object({ start: instant, end: instant })).describe('Holes that were closed'),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    file: z.string().nullable().describe('Path of the file, once it is done'),
    created: instant,
    expires: instant.nullable().describe('When the file is deleted'),
  })
  .meta({ id: 'Export' });

/** `GET /exports`: those of the streams that the caller may see, oldest first. */
export const exportListSchema = z.object({ exports: z.array(exportSchema) }).meta({ id: 'ExportList' });

/** `GET /recordings/{id}/keyframes` */
export const keyFramesSchema = z
  .object({
    stream_id: streamId,
    keyframes: z.array(
      z.object({
        time: instant,
        segment: z.string(),
        offset: z.int().describe('First byte in the file of the fragment that begins with the picture'),
        bytes: z.int().describe('Of the fragment'),
        snapshot: z.string().describe('Path of the picture as JPEG'),
      }),
    ),
    truncated: z.boolean(),
  })
  .meta({ id: 'KeyFrames' });
