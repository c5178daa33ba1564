import { z } from 'zod';
import { instant, streamId } from './common-fields.ts';

/** A stretch of recorded video in one file. */
export const segmentSchema = z
  .object({
    id: z.string(),
    start: instant,
    end: instant,
    bytes: z.int(),
    backend: z.string(),
    run: z.string(),
    locked: z.boolean(),
    growing: z.boolean(),
    codecs: z.string(),
  })
  .meta({ id: 'Segment' });

/** A hole with a reason; `end` is null while it lasts. */
export const gapSchema = z
  .object({ start: instant, end: instant.nullable(), reason: z.string(), detail: z.string().nullable() })
  .meta({ id: 'Gap' });

/** `GET /recordings/{id}?start=&end=` */
export const recordingsSchema = z
  .object({
    stream_id: streamId,
    start: instant,
    end: instant,
    segments: z.array(segmentSchema),
    gaps: z.array(gapSchema),
    truncated: z.boolean(),
  })
  .meta({ id: 'Recordings' });

/** `GET /recordings/{id}/timeline?start=&end=`: segments merged to spans, for drawing. */
export const timelineSchema = z
  .object({
    stream_id: streamId,
    spans: z.array(z.object({ start: instant, end: instant })),
    gaps: z.array(gapSchema),
  })
  .meta({ id: 'Timeline' });

/** `GET /recordings/{id}/days?from=&to=` (days `YYYY-MM-DD` of the `tz` asked for) */
export const recordedDaysSchema = z
  .object({ stream_id: streamId, days: z.array(z.object({ day: z.string(), recorded_seconds: z.number() })) })
  .meta({ id: 'RecordedDays' });

/** `GET /recordings/{id}/playback?start=&end=` */
export const playbackSchema = z
  .object({
    url: z.string(),
    path: z.string(),
    type: z.literal('hls'),
    speed: z.number(),
    mp4: z.string().describe('Path of the same stretch as one MP4 file, with ranges'),
    start: instant,
    end: instant,
    next: instant.nullable().describe('Where to ask from for the rest of the stretch; null where this is all of it'),
    expires: instant.nullable(),
    codecs: z.string().nullable(),
  })
  .meta({ id: 'Playback' });

/** `GET /storage` */
export const storageSchema = z
  .object({
    backends: z.array(
      z.object({
        name: z.string(),
        state: z.enum(['ok', 'low', 'full', 'missing', 'error']),
        message: z.string().nullable(),
        total_bytes: z.int(),
        free_bytes: z.int(),
        recorded_bytes: z.int(),
        locked_bytes: z.int().describe('Of them what no retention deletes'),
        max_bytes: z.int().nullable().describe('The oldest recordings go where there are more; null: as the disk has'),
        write_bytes_per_second: z.number(),
        retention_days: z.number(),
        forecast_days: z.number().nullable().describe('How many days fit at the present rate'),
        forecast: z.string().nullable().describe('"at this rate 4.2 of 7 days fit"'),
      }),
    ),
    streams: z.array(z.object({ stream_id: streamId, bytes: z.int(), oldest: instant, newest: instant })),
  })
  .meta({ id: 'Storage' });

/** An event. */
export const eventSchema = z
  .object({
    id: z.int(),
    at: instant,
    type: z.string(),
    level: z.enum(['info', 'warning', 'error']),
    stream_id: streamId.nullable(),
    reason: z.string().nullable(),
    message: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' });

/** `GET /events`: a page, newest first; with `after` oldest first. */
export const eventListSchema = z
  .object({
    events: z.array(eventSchema),
    next: z.int().nullable().describe('Give it as `before` (or `after`) to get the next page'),
  })
  .meta({ id: 'EventList' });
